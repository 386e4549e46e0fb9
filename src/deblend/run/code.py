"""Digests of code: of a script and of those definitions in the library that it uses.

Each rule has the digest of its script among its params. So an edit reruns only the jobs whose code
it changes. Code is parsed, but never imported or run. The digest of a definition includes the
functions, classes and constants that it refers to, in all modules. If a module is used, the digest
also includes the statements that run when it is imported, such as ``matplotlib.use("Agg")``.
Comments, docstrings, formatting, unused definitions and unused imports do not matter.
"""

import argparse
import ast
import atexit
import contextlib
import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deblend.errors import DeblendError

#: The library's package.
PACKAGE = "deblend"
#: Length of a digest, in hexadecimal digits.
LENGTH = 16
#: Packages whose decorators only modify a definition. Other decorators may register it, so that it
#: can be used without its name: such a definition counts whenever its module is used.
PURE_DECORATORS = frozenset(sys.stdlib_module_names) | {"torch"}
#: With these names, code can use any name of its module through strings: the whole module counts.
REFLECTION = frozenset({"globals", "eval", "exec", "sys.modules"})
#: These names import modules through strings: all modules that a definition's strings name count
#: as a whole.
IMPORTERS = frozenset({"__import__", "importlib.import_module", "sys.modules"})

#: A dotted name in parts: ``("np", "random", "normal")``.
Parts = tuple[str, ...]
#: Names bound in a scope. For imported names: what they are imported from; else an empty list.
Scope = dict[str, list[Parts]]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
IMPORTS = (ast.Import, ast.ImportFrom)
#: Statements and patterns that bind the name in their attribute `name`.
NAME_BINDERS = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
)
#: Fields of a syntax tree that do not affect what the code does.
SILENT_FIELDS = frozenset({"ctx", "kind", "type_comment"})


@dataclass(frozen=True)
class Code:
    """Digest of a definition, or of the statements of a module, and the names that it uses."""

    digest: str
    #: Names that are not defined within it: of the module, of builtins, or undefined.
    names: frozenset[Parts]
    #: Names that are imported within functions, and what they are imported from.
    imported: frozenset[tuple[str, Parts]]
    #: Strings that may be names of modules of the library.
    strings: frozenset[str]


#: Code of a module without statements.
NO_CODE = Code(hashlib.sha256(b"").hexdigest(), frozenset(), frozenset(), frozenset())


@dataclass
class Module:
    """The names that a parsed module defines, and the code of each."""

    name: str
    is_package: bool = False
    #: Code of the definitions of each name.
    definitions: dict[str, Code] = field(default_factory=dict)
    #: Definitions that count whenever the module is used, because of their decorators.
    registered: list[str] = field(default_factory=list)
    #: Code of the statements that run on import and are not definitions.
    statements: Code | None = None
    #: Names that imports and other statements bind.
    scope: Scope = field(default_factory=dict)
    #: Modules from which all names are imported (`import *`).
    star_imports: list[Parts] = field(default_factory=list)


def _code_of(nodes: Iterable[ast.stmt], module: Module) -> Code:
    """Digest of statements of a module, and the names that they use."""
    names = _Names(module)
    parts: list[str] = []
    for node in nodes:
        names.visit(node, [])
        parts += _serialized(node)
    return Code(
        hashlib.sha256("\n".join(parts).encode()).hexdigest(),
        frozenset(names.names),
        frozenset(names.imported),
        frozenset(names.strings),
    )


def code_digest(script: Path, library: Path) -> str:
    """Digest of a script and of those definitions in the library that it uses.

    Parameters
    ----------
    script : path
        The script.
    library : path
        Folder that holds the package ``deblend``.

    Returns
    -------
    str
        16 hexadecimal digits, which do not depend on the location of the project.

    Raises
    ------
    DeblendError
        The code is not valid Python, or uses a name that the library does not have.
    """
    lines = sorted(_Traversal(Path(script), Path(library)).lines)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:LENGTH]


def definitions_used(script: Path, library: Path) -> dict[str, set[str]]:
    """Definitions in the library that a script uses.

    Parameters
    ----------
    script, library : path
        See `code_digest`.

    Returns
    -------
    dict of str to set of str
        For each module: the names of the definitions; empty if only its statements count.

    Raises
    ------
    DeblendError
        See `code_digest`.
    """
    used: dict[str, set[str]] = {}
    for module, name in _Traversal(Path(script), Path(library)).counted:
        if module:
            used.setdefault(module, set()).update([] if name is None else [name])
    return used


class _Traversal:
    """Follows names from a script through the library, and collects the lines to be hashed."""

    def __init__(self, script: Path, library: Path) -> None:
        self.script, self.library = script, library
        self._store = _store(library.absolute())
        self.lines: set[str] = set()
        #: Pairs of a module and a definition, which is None for the statements.
        self.counted: set[tuple[str, str | None]] = set()
        self._modules: dict[Parts, Module | None] = {}
        self._todo: list[tuple[Module, str | None]] = []
        self._being_followed: set[tuple[str, Parts]] = set()
        self._counted_whole: set[str] = set()
        if not script.is_file():
            raise DeblendError(f"{script}: there is no such script; correct the path")
        self._count_all(self._store.module(script, ""))
        while self._todo:
            self._read(*self._todo.pop())

    def _module(self, parts: Parts) -> Module | None:
        """Module of the library with this name, or None."""
        if parts not in self._modules:
            path, name = self.library.joinpath(*parts), ".".join(parts)
            module = None
            if (path / "__init__.py").is_file():
                module = self._store.module(path / "__init__.py", name)
            elif path.with_suffix(".py").is_file():
                module = self._store.module(path.with_suffix(".py"), name)
            elif path.is_dir():
                module = Module(name, is_package=True)
            self._modules[parts] = module
        return self._modules[parts]

    def _count(self, module: Module, name: str | None) -> None:
        """Count a definition or, with None, what counts whenever the module is used."""
        if (module.name, name) in self.counted:
            return
        self.counted.add((module.name, name))
        self._todo.append((module, name))
        if name is not None:
            self._count(module, None)
            return
        for registered in module.registered:
            self._count(module, registered)
        # Importing a.b.c also runs a and a.b.
        parts = tuple(module.name.split("."))
        for size in range(1, len(parts)):
            package = self._module(parts[:size])
            if package and (package.statements or package.registered):
                self._count(package, None)

    def _count_all(self, module: Module) -> None:
        """Count everything in a module and, if it is a package, in its modules."""
        if module.name in self._counted_whole:
            return
        self._counted_whole.add(module.name)
        self._count(module, None)
        for name in module.definitions:
            self._count(module, name)
        if not module.name:
            return
        parts = tuple(module.name.split("."))
        # Names that it imports can be used through it. Imported modules are not followed, since
        # that would count half of the library.
        for origins in module.scope.values():
            for origin in origins:
                if origin[0] == PACKAGE and not self._module(origin):
                    self._follow(origin, module)
        if module.is_package:
            for path in self.library.joinpath(*parts).iterdir():
                below = self._module((*parts, path.stem))
                if below and (path.suffix == ".py" or path.is_dir()) and path.stem[:2] != "__":
                    self._count_all(below)

    def _read(self, module: Module, name: str | None) -> None:
        """Add the lines of a definition, and follow the names that it uses."""
        code = (module.statements or NO_CODE) if name is None else module.definitions[name]
        label = f"{module.name}:{name or ''}"
        self.lines.add(f"{label} {code.digest}")
        reached = set()
        for parts in code.names:
            ends = self._follow_name(parts, module) or [".".join(parts)]
            reached.update(ends)
            self.lines.update(f"{label} {parts[0]} = {end}" for end in ends)
        for local_name, origin in code.imported:
            ends = self._follow(origin, module)
            reached.update(ends)
            self.lines.update(f"{label} {local_name} = {end}" for end in ends)
        if reached & REFLECTION:
            self._count_all(module)
        if reached & IMPORTERS:
            for text in code.strings:
                imported = self._module(tuple(text.rstrip(".").split(".")))
                if imported:
                    self._count_all(imported)
        for star in module.star_imports if name is None else ():
            self.lines.add(f"{label} * = {'.'.join(star)}")
            self._follow(star, module)

    def _follow_name(self, parts: Parts, module: Module) -> list[str]:
        """Follow a name in a module to its definitions; empty if the module does not have it."""
        name, rest = parts[0], parts[1:]
        ends = []
        if name in module.definitions:
            self._count(module, name)
            ends.append(f"{module.name}:{name}")
        if name in module.scope:
            self._count(module, None)
            if not module.scope[name]:
                ends.append(f"{module.name}:{name}")
            for origin in module.scope[name]:
                # In a/__init__.py, `from a import b` refers to the module b, not to the name
                # itself.
                if (module.name, origin + rest) not in self._being_followed:
                    self._being_followed.add((module.name, origin + rest))
                    ends += self._follow(origin + rest, module)
                    self._being_followed.remove((module.name, origin + rest))
        return ends

    def _follow(self, parts: Parts, user: Module) -> list[str]:
        """Follow a dotted name, which begins with a package, to its definitions."""
        if parts[0] != PACKAGE:
            return [".".join(parts)]
        module = self._module(parts[:1])
        for size in range(1, len(parts)):
            if not module:
                break
            ends = self._follow_name(parts[size:], module)
            if ends:
                return ends
            below = self._module(parts[: size + 1])
            if not below:
                if parts[size].startswith("__") or module.star_imports:
                    # `__dict__` and the like, or a name that may come from `import *`.
                    self._count_all(module)
                    return [".".join(parts[: size + 1])]
                where = f"{self.script}" + (f" (through {user.name})" if user.name else "")
                raise DeblendError(
                    f"{where}: {module.name} has no {parts[size]!r}; correct the import or the name"
                )
            module = below
        if not module:
            raise DeblendError(f"{self.script}: {self.library} has no package {PACKAGE}")
        # The module is used as a value, so any of its names may be used.
        self._count_all(module)
        return [module.name]


class _Names:
    """Collects the names that code uses and does not define itself."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names: set[Parts] = set()
        self.imported: set[tuple[str, Parts]] = set()
        self.strings: set[str] = set()

    def visit(self, node: ast.AST, scopes: list[Scope]) -> None:
        """Visit a node; `scopes` are those of the enclosing functions, outermost first."""
        if isinstance(node, ast.Name | ast.Attribute):
            self._visit_name(node, scopes)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node.value.split(".")[0] == PACKAGE:
                self.strings.add(node.value)
        elif isinstance(node, FUNCTIONS):
            body = node.body if isinstance(node.body, list) else [node.body]
            # Decorators, defaults and annotations belong to the enclosing scope.
            inside = {id(part) for part in body}
            for child in ast.iter_child_nodes(node):
                if id(child) not in inside:
                    self.visit(child, scopes)
            scope = _bindings(body, self.module)
            for argument in ast.iter_child_nodes(node.args):
                if isinstance(argument, ast.arg):
                    scope.setdefault(argument.arg, [])
            self._visit_all(body, [*scopes, scope])
        elif isinstance(node, ast.ClassDef):
            # Methods do not see the names that a class binds. Imports in a class are followed
            # anyway.
            scope = _bindings(node.body, self.module)
            scope = {name: origins for name, origins in scope.items() if origins}
            self._visit_all(ast.iter_child_nodes(node), [*scopes, scope])
        elif isinstance(node, COMPREHENSIONS):
            self.visit(node.generators[0].iter, scopes)
            scope = _bindings([part.target for part in node.generators], self.module)
            self._visit_all(ast.iter_child_nodes(node), [*scopes, scope])
        elif not isinstance(node, IMPORTS):
            self._visit_all(ast.iter_child_nodes(node), scopes)

    def _visit_all(self, nodes: Iterable[ast.AST], scopes: list[Scope]) -> None:
        for node in nodes:
            self.visit(node, scopes)

    def _visit_name(self, node: ast.Name | ast.Attribute, scopes: list[Scope]) -> None:
        attributes: list[str] = []
        part: ast.expr = node
        while isinstance(part, ast.Attribute):
            attributes.insert(0, part.attr)
            part = part.value
        if not isinstance(part, ast.Name):
            self.visit(part, scopes)
            return
        for scope in reversed(scopes):
            if part.id in scope:
                self.imported.update((part.id, (*origin, *attributes)) for origin in scope[part.id])
                return
        self.names.add((part.id, *attributes))


def _as_lists(code: Code | None) -> list[Any] | None:
    """Code as plain lists, which JSON has."""
    if code is None:
        return None
    return [code.digest, sorted(code.names), sorted(code.imported), sorted(code.strings)]


def _from_lists(lists: list[Any]) -> Code:
    digest, names, imported, strings = lists
    pairs = frozenset((name, tuple(origin)) for name, origin in imported)
    return Code(digest, frozenset(map(tuple, names)), pairs, frozenset(strings))


class _Store:
    """Parsed modules of a library and of the scripts that use it.

    Parsing takes seconds, which every command would wait for. So what was parsed is kept beside the
    library's compiled code, by the digests of the files' contents.
    """

    def __init__(self, library: Path) -> None:
        # What is kept depends on this module too.
        own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:LENGTH]
        self._file = library / PACKAGE / "__pycache__" / f"code.{own}.json"
        self._kept: dict[str, Any] = {}
        self._read: dict[str, Module] = {}
        self._has_new = False
        # Without the file, or with a broken one, all is parsed again.
        with contextlib.suppress(OSError, ValueError):
            digest, _, text = self._file.read_text().partition("\n")
            if digest == hashlib.sha256(text.encode()).hexdigest():
                self._kept = json.loads(text)

    def module(self, path: Path, name: str) -> Module:
        """A module, parsed unless one with the same name and content is known."""
        content = path.read_bytes()
        is_package = path.name == "__init__.py"
        label = f"{name} {is_package}\n".encode()
        key = hashlib.sha256(label + content).hexdigest()
        if key not in self._read and key in self._kept:
            self._read[key] = self._from_kept(self._kept[key])
        elif key not in self._read:
            try:
                tree = ast.parse(content, str(path))
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 1
                reason = getattr(error, "msg", error)
                raise DeblendError(f"{path}:{line}: {reason}; correct the code") from error
            self._read[key] = _build_module(tree, name, is_package)
            self._has_new = True
        return self._read[key]

    def keep(self) -> None:
        """Write what this process has used, if any of it is new and the folder can be written."""
        if not self._has_new:
            return
        kept = {
            key: vars(module)
            | {
                "definitions": {n: _as_lists(code) for n, code in module.definitions.items()},
                "statements": _as_lists(module.statements),
            }
            for key, module in self._read.items()
        }
        # Several processes may write it at the same time.
        temporary = self._file.with_suffix(f".{os.getpid()}.partial")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(exist_ok=True)
            text = json.dumps(kept, sort_keys=True)
            temporary.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
            temporary.replace(self._file)

    @staticmethod
    def _from_kept(fields: dict[str, Any]) -> Module:
        lists = fields["statements"]
        return Module(
            fields["name"],
            fields["is_package"],
            {name: _from_lists(each) for name, each in fields["definitions"].items()},
            fields["registered"],
            None if lists is None else _from_lists(lists),
            {name: [tuple(origin) for origin in each] for name, each in fields["scope"].items()},
            [tuple(parts) for parts in fields["star_imports"]],
        )


@functools.cache
def _store(library: Path) -> _Store:
    """The store of a library, which is kept when the process ends."""
    store = _Store(library)
    atexit.register(store.keep)
    return store


def _build_module(tree: ast.Module, name: str, is_package: bool) -> Module:
    """Sort the statements of a module into definitions, imports and others."""
    module = Module(name, is_package)
    definitions: dict[str, list[ast.stmt]] = {}
    statements: list[ast.stmt] = []
    for node in tree.body:
        defined_names = _defined_names(node)
        for defined_name in defined_names:
            definitions.setdefault(defined_name, []).append(node)
        if defined_names:
            continue
        if not _is_silent(node):
            statements.append(node)
        for bound_name, origins in _bindings([node], module).items():
            module.scope.setdefault(bound_name, []).extend(origins)
        for inner in ast.walk(node):
            if isinstance(inner, ast.ImportFrom) and inner.names[0].name == "*":
                module.star_imports.append(_origin(inner, module))
    for defined_name, nodes in definitions.items():
        if any(_may_be_registered(node, definitions, module) for node in nodes):
            module.registered.append(defined_name)
    module.definitions = {key: _code_of(nodes, module) for key, nodes in definitions.items()}
    module.statements = _code_of(statements, module) if statements else None
    return module


def _defined_names(node: ast.stmt) -> list[str]:
    """Names that a statement defines; empty if it also does something else."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = list(node.targets)
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    names = []
    while targets:
        target = targets.pop()
        if isinstance(target, ast.Tuple | ast.List):
            targets += target.elts
        elif isinstance(target, ast.Starred):
            targets.append(target.value)
        elif isinstance(target, ast.Name) and target.id != "__all__":
            names.append(target.id)
        else:
            return []
    return names


def _may_be_registered(
    node: ast.stmt, definitions: Mapping[str, list[ast.stmt]], module: Module
) -> bool:
    """Whether a decorator may register a definition, so that it is used without its name."""
    for decorator in getattr(node, "decorator_list", ()):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        while isinstance(called, ast.Attribute):
            called = called.value
        if not isinstance(called, ast.Name) or called.id in definitions:
            return True
        if any(origin[0] not in PURE_DECORATORS for origin in module.scope.get(called.id, ())):
            return True
    return False


def _bindings(nodes: Iterable[ast.AST], module: Module) -> Scope:
    """Names that code binds in its own scope, without those of inner functions."""
    scope: Scope = {}
    outer_names: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, IMPORTS):
            for name, origin in _imported(node, module):
                scope.setdefault(name, []).append(origin)
            continue
        if isinstance(node, ast.Global | ast.Nonlocal):
            outer_names.update(node.names)
        elif isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                scope.setdefault(node.id, [])
        elif isinstance(node, NAME_BINDERS):
            if node.name:
                scope.setdefault(node.name, [])
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.setdefault(node.rest, [])
        if not isinstance(node, (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef)):
            todo.extend(ast.iter_child_nodes(node))
    return {name: origins for name, origins in scope.items() if name not in outer_names}


def _imported(node: ast.Import | ast.ImportFrom, module: Module) -> Iterator[tuple[str, Parts]]:
    """Names that an import binds, and what they are imported from."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            if alias.name != "*" and node.module != "__future__":
                yield alias.asname or alias.name, (*_origin(node, module), alias.name)
        elif alias.asname:
            yield alias.asname, tuple(alias.name.split("."))
        else:
            yield alias.name.split(".")[0], (alias.name.split(".")[0],)


def _origin(node: ast.ImportFrom, module: Module) -> Parts:
    """Module from which `from ... import` imports."""
    below = tuple(node.module.split(".")) if node.module else ()
    if not node.level:
        return below
    parts = tuple(module.name.split("."))
    return parts[: len(parts) - node.level + module.is_package] + below


def _is_silent(node: ast.AST) -> bool:
    """Whether a statement does not count: a docstring, or an import, whose use counts instead."""
    if isinstance(node, IMPORTS):
        return getattr(node, "module", None) != "__future__"
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _is_field(function: ast.expr) -> bool:
    """Whether a call is that of pydantic's `Field`."""
    return isinstance(function, ast.Name) and function.id == "Field"


def _serialized(node: ast.AST) -> Iterator[str]:
    """Syntax tree as text, which does not depend on formatting, comments and docstrings."""
    yield type(node).__name__ + "("
    for name in node._fields:
        if name in SILENT_FIELDS:
            continue
        value = getattr(node, name, None)
        if isinstance(node, ast.Call) and name == "keywords" and _is_field(node.func):
            # What a key of the configuration means is documentation.
            value = [keyword for keyword in node.keywords if keyword.arg != "description"]
        if isinstance(value, ast.AST):
            yield name
            yield from _serialized(value)
        elif isinstance(value, list):
            yield f"{name}["
            for item in value:
                if not isinstance(item, ast.AST):
                    yield repr(item)
                elif not _is_silent(item):
                    yield from _serialized(item)
            yield "]"
        elif value is not None:
            yield f"{name}={value!r}"
    yield ")"


def main(arguments: list[str] | None = None) -> None:
    """Print the digest of each script and the definitions that it uses."""
    parser = argparse.ArgumentParser(description="Digest of a script, and the definitions it uses.")
    parser.add_argument("scripts", nargs="+", type=Path, metavar="SCRIPT")
    parser.add_argument("--library", type=Path, default=Path(__file__).parents[2])
    options = parser.parse_args(arguments)
    for script in options.scripts:
        print(f"{script}: {code_digest(script, options.library)}")
        for module, names in sorted(definitions_used(script, options.library).items()):
            print(f"  {module}: {', '.join(sorted(names)) or '(statements)'}")


if __name__ == "__main__":
    try:
        main()
    except DeblendError as error:
        raise SystemExit(f"Error: {error}") from None
