"""Parsed modules, kept on disk: parsing takes seconds, which every command would wait for."""

import ast
import atexit
import contextlib
import functools
import gzip
import hashlib
import json
import os
import zlib
from pathlib import Path
from typing import Any

from deblend.errors import DeblendError
from deblend.run import parsed_code
from deblend.run.parsed_code import Code, Module, build_module


class CodeStore:
    """Parsed modules of a library and of the scripts that use it.

    Parsing takes seconds, which every command would wait for. So what was parsed is kept beside the
    library's compiled code, by the digests of the files' contents.
    """

    def __init__(self, library: Path) -> None:
        # What is kept depends on how it was parsed, too.
        own = hashlib.sha256()
        for path in (Path(__file__), Path(parsed_code.__file__)):
            own.update(path.read_bytes())
        name = f"code.{own.hexdigest()[:16]}.json.gz"
        self._file = library / parsed_code.PACKAGE / "__pycache__" / name
        self._kept: dict[str, Any] = {}
        self._read: dict[str, Module] = {}
        self._has_new = False
        # Without the file, or with a broken one, all is parsed again.
        with contextlib.suppress(OSError, EOFError, ValueError, zlib.error):
            self._kept = json.loads(gzip.decompress(self._file.read_bytes()))

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
            self._read[key] = build_module(tree, name, is_package)
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
            # Its checksum tells a broken file.
            temporary.write_bytes(gzip.compress(text.encode(), 1, mtime=0))
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
def store_of(library: Path) -> CodeStore:
    """The store of a library, which is kept when the process ends."""
    store = CodeStore(library)
    atexit.register(store.keep)
    return store


def _as_lists(code: Code | None) -> list[Any] | None:
    """Code as plain lists, which JSON has."""
    if code is None:
        return None
    return [code.digest, sorted(code.names), sorted(code.imported), sorted(code.strings)]


def _from_lists(lists: list[Any]) -> Code:
    digest, names, imported, strings = lists
    pairs = frozenset((name, tuple(origin)) for name, origin in imported)
    return Code(digest, frozenset(map(tuple, names)), pairs, frozenset(strings))
