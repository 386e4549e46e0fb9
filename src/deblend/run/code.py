"""Digests of code: a script with those definitions of the library that it uses.

A rule has the digest of its script among its params, so that an edit reruns the jobs whose code it
touches and no others. Code is read, never imported or run. A definition counts with the functions,
classes and constants that it names, through all modules, and a module that is used counts with the
statements that run on import, such as ``matplotlib.use("Agg")``. Comments, docstrings, formatting,
unused definitions and unused imports do not count.
"""

import argparse
import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from deblend.errors import DeblendError

#: The library's package.
PACKAGE = "deblend"
#: Length of a digest, in hexadecimal digits.
LENGTH = 16
#: Packages whose decorators do nothing but change a definition. Others may record it, so that it is
#: found without its name: such a definition counts whenever its module is used.
PURE_DECORATORS = frozenset(sys.stdlib_module_names) | {"torch"}
#: What reaches names of the same module by strings: the whole module counts.
REFLECTION = frozenset({"globals", "eval", "exec", "sys.modules"})
#: What imports modules by strings: those of the library in the definition's strings count whole.
IMPORTERS = frozenset({"__import__", "importlib.import_module", "sys.modules"})

#: A dotted name in parts: ``("np", "random", "normal")``.
Parts = tuple[str, ...]
#: Names bound in a scope, each with where it is imported from, if it is.
Scope = dict[str, list[Parts]]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
IMPORTS = (ast.Import, ast.ImportFrom)
#: Statements and patterns that bind their own `name`.
NAMED = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
)
#: Fields of a syntax tree that do not change what runs.
SILENT_FIELDS = frozenset({"ctx", "kind", "type_comment"})


@dataclass(frozen=True)
class Code:
    """What a definition consists of, or the statements of a module."""

    digest: str
    #: Names of the module, of builtins, or undefined ones.
    names: frozenset[Parts]
    #: Names that are imported within functions, as written, and where they come from.
    imported: frozenset[tuple[str, Parts]]
    #: Strings that may be names of the library's modules.
    strings: frozenset[str]


@dataclass
class Module:
    """A module that is read: its names, and the code behind each once it is asked for."""

    name: str
    is_package: bool = False
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    #: Definitions that count whenever the module is used.
    recorded: list[str] = field(default_factory=list)
    #: What runs on import and defines nothing.
    statements: list[ast.stmt] = field(default_factory=list)
    #: Names that imports and statements bind.
    scope: Scope = field(default_factory=dict)
    #: Modules of which every name is imported.
    stars: list[Parts] = field(default_factory=list)
    _code: dict[str | None, Code] = field(default_factory=dict)

    def code(self, name: str | None) -> Code:
        """Code of a definition; with None that of the statements."""
        if name not in self._code:
            nodes = self.statements if name is None else self.definitions[name]
            names = _Names(self)
            for node in nodes:
                names.visit(node, [])
            text = "\n".join(part for node in nodes for part in _serialized(node))
            self._code[name] = Code(
                hashlib.sha256(text.encode()).hexdigest(),
                frozenset(names.names),
                frozenset(names.imported),
                frozenset(names.strings),
            )
        return self._code[name]


def code_digest(script: Path, library: Path) -> str:
    """Digest of a script with those definitions of the library that it uses.

    Parameters
    ----------
    script : path
        The script.
    library : path
        Folder that holds the package ``deblend``.

    Returns
    -------
    str
        16 hexadecimal digits, wherever the project lies.

    Raises
    ------
    DeblendError
        If code does not parse, or names what the library does not have.
    """
    lines = sorted(_Walk(Path(script), Path(library)).lines)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:LENGTH]


def definitions_used(script: Path, library: Path) -> dict[str, set[str]]:
    """Those definitions of the library that a script uses.

    Parameters
    ----------
    script, library : path
        As for `code_digest`.

    Returns
    -------
    dict of str to set of str
        Module to names that it defines; an empty set where its statements count alone.

    Raises
    ------
    DeblendError
        As for `code_digest`.
    """
    used: dict[str, set[str]] = {}
    for module, name in _Walk(Path(script), Path(library)).counted:
        if module:
            used.setdefault(module, set()).update([] if name is None else [name])
    return used


class _Walk:
    """The way from a script through the library: what counts, and the lines that are hashed."""

    def __init__(self, script: Path, library: Path) -> None:
        self.script, self.library = script, library
        self.lines: set[str] = set()
        #: Module and definition, or None for its statements.
        self.counted: set[tuple[str, str | None]] = set()
        self._modules: dict[Parts, Module | None] = {}
        self._waiting: list[tuple[Module, str | None]] = []
        self._followed: set[tuple[str, Parts]] = set()
        self._whole: set[str] = set()
        if not script.is_file():
            raise DeblendError(f"{script}: there is no such script; correct the path")
        self._count_all(_read_module(script, ""))
        while self._waiting:
            self._read(*self._waiting.pop())

    def _module(self, parts: Parts) -> Module | None:
        """Module of the library; None if there is none of this name."""
        if parts not in self._modules:
            path, name = self.library.joinpath(*parts), ".".join(parts)
            module = None
            if (path / "__init__.py").is_file():
                module = _read_module(path / "__init__.py", name)
            elif path.with_suffix(".py").is_file():
                module = _read_module(path.with_suffix(".py"), name)
            elif path.is_dir():
                module = Module(name, is_package=True)
            self._modules[parts] = module
        return self._modules[parts]

    def _count(self, module: Module, name: str | None) -> None:
        """Count a definition, or with None what counts with any use of a module."""
        if (module.name, name) in self.counted:
            return
        self.counted.add((module.name, name))
        self._waiting.append((module, name))
        if name is not None:
            self._count(module, None)
            return
        for recorded in module.recorded:
            self._count(module, recorded)
        # An import of a.b.c runs a and a.b too.
        parts = tuple(module.name.split("."))
        for size in range(1, len(parts)):
            package = self._module(parts[:size])
            if package and (package.statements or package.recorded):
                self._count(package, None)

    def _count_all(self, module: Module) -> None:
        """Count a whole module; of a package its modules too."""
        if module.name in self._whole:
            return
        self._whole.add(module.name)
        self._count(module, None)
        for name in module.definitions:
            self._count(module, name)
        if not module.name:
            return
        parts = tuple(module.name.split("."))
        # Names that it imports can be reached through it; modules would bring in half the library.
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
        """Add the lines of a definition, and follow its names."""
        code = module.code(name)
        here = f"{module.name}:{name or ''}"
        self.lines.add(f"{here} {code.digest}")
        reached = set()
        for parts in code.names:
            ends = self._follow_name(parts, module) or [".".join(parts)]
            reached.update(ends)
            self.lines.update(f"{here} {parts[0]} = {end}" for end in ends)
        for written, origin in code.imported:
            ends = self._follow(origin, module)
            reached.update(ends)
            self.lines.update(f"{here} {written} = {end}" for end in ends)
        if reached & REFLECTION:
            self._count_all(module)
        if reached & IMPORTERS:
            for text in code.strings:
                named = self._module(tuple(text.rstrip(".").split(".")))
                if named:
                    self._count_all(named)
        for star in module.stars if name is None else ():
            self.lines.add(f"{here} * = {'.'.join(star)}")
            self._follow(star, module)

    def _follow_name(self, parts: Parts, module: Module) -> list[str]:
        """Follow a name of a module: where it ends; nothing if the module does not bind it."""
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
                # In a/__init__.py, `from a import b` names the module b, not itself.
                if (module.name, origin + rest) not in self._followed:
                    self._followed.add((module.name, origin + rest))
                    ends += self._follow(origin + rest, module)
                    self._followed.remove((module.name, origin + rest))
        return ends

    def _follow(self, parts: Parts, site: Module) -> list[str]:
        """Follow a dotted name from the top: where it ends."""
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
                if parts[size].startswith("__") or module.stars:
                    # `__dict__` and the like; what a star brings counts with the module.
                    self._count_all(module)
                    return [".".join(parts[: size + 1])]
                where = f"{self.script}" + (f" (through {site.name})" if site.name else "")
                raise DeblendError(
                    f"{where}: {module.name} has no {parts[size]!r}; correct the import or the name"
                )
            module = below
        if not module:
            raise DeblendError(f"{self.script}: {self.library} has no package {PACKAGE}")
        # A module as a value: nobody knows which of its names are used.
        self._count_all(module)
        return [module.name]


class _Names:
    """Names that code takes from outside of itself."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names: set[Parts] = set()
        self.imported: set[tuple[str, Parts]] = set()
        self.strings: set[str] = set()

    def visit(self, node: ast.AST, scopes: list[Scope]) -> None:
        """Take in a node; `scopes` are those of the functions around it, the outermost first."""
        if isinstance(node, ast.Name | ast.Attribute):
            self._visit_name(node, scopes)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and node.value.split(".")[0] == PACKAGE:
                self.strings.add(node.value)
        elif isinstance(node, FUNCTIONS):
            body = node.body if isinstance(node.body, list) else [node.body]
            # Decorators, defaults and annotations belong to the scope outside.
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
            # Functions within do not see what a class binds; its imports are followed all the same.
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


#: File and module name to the file's time and size, and what was read.
_READ: dict[tuple[str, str], tuple[tuple[int, int], Module]] = {}


def _read_module(path: Path, name: str) -> Module:
    """Read a module, again only if its file has changed."""
    status = path.stat()
    stamp, key = (status.st_mtime_ns, status.st_size), (str(path.absolute()), name)
    if key not in _READ or _READ[key][0] != stamp:
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            reason = getattr(error, "msg", error)
            raise DeblendError(f"{path}:{line}: {reason}; correct the code") from error
        _READ[key] = stamp, _sorted_module(tree, name, path.name == "__init__.py")
    return _READ[key][1]


def _sorted_module(tree: ast.Module, name: str, is_package: bool) -> Module:
    """Sort a module's statements into definitions, imports and the rest."""
    module = Module(name, is_package)
    for node in tree.body:
        defined = _defined(node)
        for each in defined:
            module.definitions.setdefault(each, []).append(node)
        if defined:
            continue
        if not _is_silent(node):
            module.statements.append(node)
        for each, origins in _bindings([node], module).items():
            module.scope.setdefault(each, []).extend(origins)
        for inner in ast.walk(node):
            if isinstance(inner, ast.ImportFrom) and inner.names[0].name == "*":
                module.stars.append(_origin(inner, module))
    for each, nodes in module.definitions.items():
        if any(_may_be_recorded(node, module) for node in nodes):
            module.recorded.append(each)
    return module


def _defined(node: ast.stmt) -> list[str]:
    """Names that a statement defines; none if it does something else too."""
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


def _may_be_recorded(node: ast.stmt, module: Module) -> bool:
    """Whether a decorator may keep a definition where it is found without its name."""
    for decorator in getattr(node, "decorator_list", ()):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        while isinstance(called, ast.Attribute):
            called = called.value
        if not isinstance(called, ast.Name) or called.id in module.definitions:
            return True
        if any(origin[0] not in PURE_DECORATORS for origin in module.scope.get(called.id, ())):
            return True
    return False


def _bindings(nodes: Iterable[ast.AST], module: Module) -> Scope:
    """Names that code binds in its own scope, not in those of functions within."""
    scope: Scope = {}
    elsewhere: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, IMPORTS):
            for name, origin in _imported(node, module):
                scope.setdefault(name, []).append(origin)
            continue
        if isinstance(node, ast.Global | ast.Nonlocal):
            elsewhere.update(node.names)
        elif isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                scope.setdefault(node.id, [])
        elif isinstance(node, NAMED):
            if node.name:
                scope.setdefault(node.name, [])
        elif isinstance(node, ast.MatchMapping) and node.rest:
            scope.setdefault(node.rest, [])
        if not isinstance(node, (*FUNCTIONS, *COMPREHENSIONS, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))
    return {name: origins for name, origins in scope.items() if name not in elsewhere}


def _imported(node: ast.Import | ast.ImportFrom, module: Module) -> Iterator[tuple[str, Parts]]:
    """Names that an import binds, and where they come from."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            if alias.name != "*" and node.module != "__future__":
                yield alias.asname or alias.name, (*_origin(node, module), alias.name)
        elif alias.asname:
            yield alias.asname, tuple(alias.name.split("."))
        else:
            yield alias.name.split(".")[0], (alias.name.split(".")[0],)


def _origin(node: ast.ImportFrom, module: Module) -> Parts:
    """Module that `from ... import` imports from."""
    below = tuple(node.module.split(".")) if node.module else ()
    if not node.level:
        return below
    parts = tuple(module.name.split("."))
    return parts[: len(parts) - node.level + module.is_package] + below


def _is_silent(node: ast.AST) -> bool:
    """Whether a statement does nothing itself: an import, whose use counts, or a docstring."""
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
    """Syntax tree as text, the same for the same code however it is written."""
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
