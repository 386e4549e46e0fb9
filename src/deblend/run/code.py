"""Digests of code: of a script and of those definitions in the library that it uses.

Each rule has the digest of its script among its params. So an edit reruns only the jobs whose code
it changes. Code is parsed, but never imported or run. The digest of a definition includes the
functions, classes and constants that it refers to, in all modules. If a module is used, the digest
also includes the statements that run when it is imported, such as ``matplotlib.use("Agg")``.
Comments, docstrings, formatting, unused definitions and unused imports do not matter.
"""

import argparse
import hashlib
from pathlib import Path

from deblend.errors import DeblendError
from deblend.run.code_store import store_of
from deblend.run.parsed_code import NO_CODE, PACKAGE, Module, Parts

#: Length of a digest, in hexadecimal digits.
LENGTH = 16
#: With these names, code can use any name of its module through strings: the whole module counts.
REFLECTION = frozenset({"globals", "eval", "exec", "sys.modules"})
#: These names import modules through strings: all modules that a definition's strings name count
#: as a whole.
IMPORTERS = frozenset({"__import__", "importlib.import_module", "sys.modules"})


def code_digest(script: Path, library: Path, known: "Known | None" = None) -> str:
    """Digest of a script and of those definitions in the library that it uses.

    Parameters
    ----------
    script : path
        The script.
    library : path
        Folder that holds the package ``deblend``.
    known : Known, optional
        Of this library; with it, what scripts have in common is followed once. No file may change
        between the calls that share it.

    Returns
    -------
    str
        16 hexadecimal digits, which do not depend on the location of the project.

    Raises
    ------
    DeblendError
        The code is not valid Python, or uses a name that the library does not have.
    """
    lines = sorted(_traversed(Path(script), Path(library), known)[0])
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
    for module, name in _traversed(Path(script), Path(library), None)[1]:
        if module:
            used.setdefault(module, set()).update([] if name is None else [name])
    return used


#: A definition of a module or, with None, the statements that run when it is imported.
Counted = tuple[Module, str | None]


class Known:
    """What has been followed in a library, for several scripts."""

    def __init__(self) -> None:
        self.modules: dict[Parts, Module | None] = {}
        self.followed: dict[tuple[str, str | None], _Followed] = {}


def _traversed(
    script: Path, library: Path, known: Known | None
) -> tuple[set[str], set[tuple[str, str | None]]]:
    """Follow names from a script through the library.

    Returns
    -------
    lines : set of str
        What is hashed.
    counted : set of (str, str or None)
        Names of the modules, the script's is empty, and of their definitions.
    """
    if not script.is_file():
        raise DeblendError(f"{script}: there is no such script; correct the path")
    follower = _Follower(script, library, known or Known())
    lines: set[str] = set()
    counted: set[tuple[str, str | None]] = set()
    todo = follower.start()
    while todo:
        module, name = todo.pop()
        if (module.name, name) not in counted:
            counted.add((module.name, name))
            followed = follower.followed(module, name)
            lines.update(followed.lines)
            todo += followed.counted
    return lines, counted


class _Followed:
    """What one definition adds: lines, and what it uses itself."""

    def __init__(self) -> None:
        self.lines: set[str] = set()
        self.counted: list[Counted] = []
        #: Names whose modules are being followed, and modules that count as a whole.
        self.in_progress: set[tuple[str, Parts]] = set()
        self.whole: set[str] = set()


class _Follower:
    """Follows the names of definitions, one definition at a time."""

    def __init__(self, script: Path, library: Path, known: Known) -> None:
        self.script, self.library, self._known = script, library, known
        self._store = store_of(library.absolute())
        self._now = _Followed()

    def start(self) -> list[Counted]:
        """All that the script itself defines."""
        module = self._store.module(self.script, "")
        return [(module, name) for name in (None, *module.definitions)]

    def followed(self, module: Module, name: str | None) -> _Followed:
        """What a definition adds; that of the library is kept for other scripts."""
        key = (module.name, name)
        if key in self._known.followed:
            return self._known.followed[key]
        found = self._now = _Followed()
        if name is None:
            for registered in module.registered:
                self._count(module, registered)
            # Importing a.b.c also runs a and a.b.
            parts = tuple(module.name.split("."))
            for size in range(1, len(parts)):
                package = self._module(parts[:size])
                if package and (package.statements or package.registered):
                    self._count(package, None)
        else:
            self._count(module, None)
        self._read(module, name)
        if module.name:
            self._known.followed[key] = found
        return found

    def _module(self, parts: Parts) -> Module | None:
        """Module of the library with this name, or None."""
        modules = self._known.modules
        if parts not in modules:
            path, name = self.library.joinpath(*parts), ".".join(parts)
            module = None
            if (path / "__init__.py").is_file():
                module = self._store.module(path / "__init__.py", name)
            elif path.with_suffix(".py").is_file():
                module = self._store.module(path.with_suffix(".py"), name)
            elif path.is_dir():
                module = Module(name, is_package=True)
            modules[parts] = module
        return modules[parts]

    def _count(self, module: Module, name: str | None) -> None:
        """Count a definition or, with None, what counts whenever the module is used."""
        self._now.counted.append((module, name))

    def _count_all(self, module: Module) -> None:
        """Count everything in a module and, if it is a package, in its modules."""
        if module.name in self._now.whole:
            return
        self._now.whole.add(module.name)
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
        self._now.lines.add(f"{label} {code.digest}")
        reached = set()
        for parts in code.names:
            ends = self._follow_name(parts, module) or [".".join(parts)]
            reached.update(ends)
            self._now.lines.update(f"{label} {parts[0]} = {end}" for end in ends)
        for local_name, origin in code.imported:
            ends = self._follow(origin, module)
            reached.update(ends)
            self._now.lines.update(f"{label} {local_name} = {end}" for end in ends)
        if reached & REFLECTION:
            self._count_all(module)
        if reached & IMPORTERS:
            for text in code.strings:
                imported = self._module(tuple(text.rstrip(".").split(".")))
                if imported:
                    self._count_all(imported)
        for star in module.star_imports if name is None else ():
            self._now.lines.add(f"{label} * = {'.'.join(star)}")
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
                if (module.name, origin + rest) not in self._now.in_progress:
                    self._now.in_progress.add((module.name, origin + rest))
                    ends += self._follow(origin + rest, module)
                    self._now.in_progress.remove((module.name, origin + rest))
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
