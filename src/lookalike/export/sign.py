"""The signed manifest: SHA-256 of every file of a folder, and an Ed25519 signature over the list.

`seal` writes `SHA256SUMS` in the format that `sha256sum --check` reads, and with a key `SHA256SUMS.sig` beside it; `verify` says
what does not hold. Hashes need nothing but Python; signatures need the extra `sign`.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from lookalike.errors import RunError
from lookalike.optional import require
from lookalike.store import put_bytes, read_json, sha256, whole

SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"
_LEFT_OUT = frozenset({SUMS, SIGNATURE})


class _Listed(BaseModel):
    path: str
    sha256: str


class _Table(BaseModel):
    parts: list[_Listed] = []


class _Manifest(BaseModel):
    """What a seal needs of `manifest.json`."""

    tables: dict[str, _Table] = {}


def seal(folder: Path, *, key: Path | None = None) -> list[Path]:
    """List every file with its hash, and sign the list.

    Args:
        folder: a finished run or an export.
        key: PEM file of an Ed25519 private key; None writes the list without a signature.

    Returns:
        The files written.

    Raises:
        RunError: the folder has no file, or the key is not one.
        MissingExtra: a key is given and `cryptography` is not installed.
    """
    listed = [f"{sha256(path)}  {_name(path, folder)}\n" for path in _files(folder)]
    if not listed:
        raise RunError(what="there is no file to seal", where=str(folder), fix="name the folder of a finished run")
    body = "".join(listed).encode()
    put_bytes(folder / SUMS, body)
    (folder / SIGNATURE).unlink(missing_ok=True)  # an old signature would not fit the new list
    if key is not None:
        private = _private_key(key)
        public = private.public_key().public_bytes_raw()
        text = f"ed25519 {base64.b64encode(public).decode()} {base64.b64encode(private.sign(body)).decode()}\n"
        put_bytes(folder / SIGNATURE, text.encode())
    return [folder / SUMS] if key is None else [folder / SUMS, folder / SIGNATURE]


def check_key(key: Path) -> None:
    """That a file can sign: asked before long work.

    Raises:
        RunError: it is no Ed25519 private key.
        MissingExtra: `cryptography` is not installed.
    """
    _private_key(key)


def unseal(folder: Path) -> None:
    """Take a seal off: what is written from now on would not fit it."""
    for name in (SUMS, SIGNATURE):
        (folder / name).unlink(missing_ok=True)


def verify(folder: Path, *, public_key: str | Path | None = None) -> list[str]:
    """What does not hold; an empty list when every file is as it was written and sealed.

    A run's `manifest.json` is checked against its partitions, and each file and journal line that carries a checksum against
    that; a sealed folder against its list and signature.

    Args:
        folder: a run, or a sealed folder.
        public_key: who must have signed: the base64 text of the Ed25519 key's 32 bytes, or a file with that text or a PEM;
            None accepts any valid signature, and none at all.

    Raises:
        RunError: the public key cannot be read.
        MissingExtra: there is a signature and `cryptography` is not installed.
    """
    problems, has_manifest = _manifest_problems(folder)
    problems += _damage(folder)
    sums = folder / SUMS
    if not sums.is_file():
        if public_key is not None:
            problems.append(f"{SUMS} is missing: nobody sealed or signed this folder")
        elif not has_manifest:
            problems.append(f"{SUMS} is missing: the folder was not sealed")
        return problems
    body = sums.read_bytes()
    problems += _signature_problems(folder, body, None if public_key is None else _public_key(public_key))
    listed = {}
    for number, line in enumerate(body.decode("utf-8", "replace").splitlines(), 1):
        digest, gap, name = line.partition("  ")
        if not gap or len(digest) != 64:
            problems.append(f"{SUMS}:{number} cannot be read")
        elif _outside(name):
            problems.append(f"{name}: lies outside the folder")
        else:
            listed[name] = digest
    present = {_name(path, folder): path for path in _files(folder)}
    problems += [f"{name}: is listed and missing" for name in listed if name not in present]
    problems += [f"{name}: is not listed" for name in present if name not in listed]
    problems += [f"{name}: was changed" for name, path in present.items() if name in listed and sha256(path) != listed[name]]
    return list(dict.fromkeys(problems))


def _outside(name: str) -> bool:
    return Path(name).is_absolute() or ".." in Path(name).parts


def _manifest_problems(folder: Path) -> tuple[list[str], bool]:
    """What the run's own manifest says against its partitions, and whether there is a manifest that lists any."""
    path = folder / "manifest.json"
    if not path.is_file():
        return [], False
    try:
        found = read_json(path, _Manifest, fix="")
    except RunError as exc:
        return [f"manifest.json: {exc.what}"], True
    parts = [(part["path"], part["sha256"]) for table in found.get("tables", {}).values() for part in table.get("parts", ())]
    problems = []
    for name, digest in parts:
        if _outside(name):
            problems.append(f"{name}: lies outside the folder")
        elif not (folder / name).is_file():
            problems.append(f"{name}: is in the manifest and missing")
        elif sha256(folder / name) != digest:
            problems.append(f"{name}: is not what the manifest says")
    return problems, bool(parts)


def _damage(folder: Path) -> list[str]:
    """What does not fit the checksum that it carries itself: files, and the lines of journals, of which the last may be torn."""
    problems = []
    for path in _files(folder):
        name = _name(path, folder)
        if path.suffix == ".jsonl":
            *ended, _torn = path.read_bytes().split(b"\n")
            numbers = [number for number, line in enumerate(ended, 1) if whole(line) is False]
            problems += [f"{name}:{number}: the line is damaged" for number in numbers]
        elif path.suffix in (".parquet", ".json") and whole(path.read_bytes()) is False:
            problems.append(f"{name}: does not fit its own checksum")
    return problems


def _public_key(given: str | Path) -> bytes:
    """The 32 bytes of a public key given as base64 text, or as a file with that text or a PEM."""
    text = str(given)
    if isinstance(given, Path) or text.endswith((".pem", ".pub", ".txt")):
        try:
            text = Path(given).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise RunError(
                what=f"the public key cannot be read: {exc}", where=str(given), fix="name a file with the key"
            ) from exc
    try:
        if "BEGIN PUBLIC KEY" in text:
            serialization = require("cryptography.hazmat.primitives.serialization", extra="sign")
            raw: bytes = serialization.load_pem_public_key(text.encode()).public_bytes_raw()
        else:
            raw = base64.b64decode(text, validate=True)
    except (ValueError, AttributeError) as exc:
        raise RunError(
            what=f"this is no Ed25519 public key: {exc}", where=str(given), fix="give what `new_key` returned"
        ) from exc
    if len(raw) != 32:
        raise RunError(what=f"an Ed25519 public key has 32 bytes, this one {len(raw)}", fix="give what `new_key` returned")
    return raw


def new_key(path: Path) -> str:
    """Write a fresh Ed25519 private key (PEM, readable by the owner only); its public key in base64.

    Raises:
        RunError: the file exists.
        MissingExtra: `cryptography` is not installed.
    """
    serialization = require("cryptography.hazmat.primitives.serialization", extra="sign")
    ed25519 = require("cryptography.hazmat.primitives.asymmetric.ed25519", extra="sign")
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise RunError(
            what="the key file exists", where=str(path), fix="choose another name; a key is never overwritten"
        ) from exc
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return base64.b64encode(private.public_key().public_bytes_raw()).decode()


def _signature_problems(folder: Path, body: bytes, expected: bytes | None) -> list[str]:
    path = folder / SIGNATURE
    if not path.is_file():
        return [f"{SIGNATURE} is missing: nobody signed"] if expected else []
    ed25519 = require("cryptography.hazmat.primitives.asymmetric.ed25519", extra="sign")
    invalid = require("cryptography.exceptions", extra="sign").InvalidSignature
    try:
        scheme, public, signature = path.read_text(encoding="utf-8").split()
        raw = base64.b64decode(public, validate=True)
        key = ed25519.Ed25519PublicKey.from_public_bytes(raw)
        proof = base64.b64decode(signature, validate=True)
    except ValueError:
        return [f"{SIGNATURE} cannot be read"]
    if scheme != "ed25519":
        return [f"{SIGNATURE}: unknown scheme {scheme}"]
    if expected and expected != raw:
        return [f"{SIGNATURE}: signed by another key, {public}"]
    try:
        key.verify(proof, body)
    except invalid:
        return [f"{SIGNATURE} does not fit {SUMS}: one of them was changed"]
    return []


def _private_key(path: Path) -> Any:
    serialization = require("cryptography.hazmat.primitives.serialization", extra="sign")
    ed25519 = require("cryptography.hazmat.primitives.asymmetric.ed25519", extra="sign")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, OSError) as exc:
        raise RunError(
            what=f"the signing key cannot be read: {exc}",
            where=str(path),
            fix="make one: openssl genpkey -algorithm ed25519 -out key.pem",
        ) from exc
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise RunError(
            what=f"{type(key).__name__} is not an Ed25519 key",
            where=str(path),
            fix="make one: openssl genpkey -algorithm ed25519 -out key.pem",
        )
    return key


def _files(folder: Path) -> list[Path]:
    """Everything but the seal itself and locks, which hold the number of a process."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path for path in found if path.name not in _LEFT_OUT and not path.name.endswith("lock"))


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()
