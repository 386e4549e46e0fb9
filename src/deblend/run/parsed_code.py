"""Python modules as definitions, each with a digest of its code and the names that it uses.

Code is parsed, but never imported or run. Comments, docstrings, formatting and unused imports do
not matter for a digest.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

#: The library's package.
PACKAGE = "deblend"
#: Packages whose decorators only modify a definition. Other decorators may register it, so that it
#: can be used without its name: such a definition counts whenever its module is used.
PURE_DECORATORS = frozenset(sys.stdlib_module_names) | {"torch"}

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


def build_module(tree: ast.Module, name: str, is_package: bool) -> Module:
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
