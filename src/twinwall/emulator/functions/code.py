"""Packages: taken from a request or from S3, checked, unpacked once, out of the functions' reach."""

import base64
import io
import shutil
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from twinwall.emulator.functions.function import Code, wrong
from twinwall.emulator.refusal import Refusal

MOST_ZIPPED = 50 * 1024 * 1024
MOST_UNZIPPED = 262_144_000
"""Bytes (Lambda's quotas page: 50 MB in a request, 250 MB unpacked)."""


class CodeStore:
    """``root``: a private directory, which goes with the server."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add(self, package: bytes) -> Code:
        """Raises ``Refusal``: no zip, too large."""
        digest = sha256(package)
        directory = self._root / digest.hexdigest()
        if not directory.exists():
            _unpack(package, directory)
        return Code(base64.b64encode(digest.digest()).decode(), len(package), directory)


def _unpack(package: bytes, directory: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            size = sum(item.file_size for item in archive.infolist())
            if size > MOST_UNZIPPED:
                raise wrong(f"Unzipped size must be smaller than {MOST_UNZIPPED} bytes")
            beside = directory.with_suffix(".part")
            archive.extractall(beside)
            _restore_modes(archive, beside)
    except zipfile.BadZipFile:
        raise wrong(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from None
    beside.replace(directory)


def _restore_modes(archive: zipfile.ZipFile, directory: Path) -> None:
    """A function reads its package and never writes it; what was executable stays so."""
    for item in archive.infolist():
        path = directory / item.filename
        if path.is_file():
            path.chmod(0o555 if item.external_attr >> 16 & 0o100 else 0o444)


def remove(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)


def package_of(given: dict[str, Any], s3: Any) -> bytes:
    """The zip of a CreateFunction ``Code`` or an UpdateFunctionCode. ``s3``: a client of the caller's."""
    if given.get("ImageUri") or given.get("ImageConfig"):
        raise wrong("Container images do not run in the embedded AWS; pass ZipFile, or S3Bucket and S3Key.")
    if given.get("ZipFile"):
        package = bytes(given["ZipFile"])
        if len(package) > MOST_ZIPPED:
            raise Refusal(
                "RequestEntityTooLargeException",
                f"Request must be smaller than {MOST_ZIPPED} bytes for the CreateFunction operation",
                413,
            )
        return package
    if not given.get("S3Bucket") or not given.get("S3Key"):
        raise wrong("Please provide a source for function code.")
    return _from_s3(given, s3)


def _from_s3(given: dict[str, Any], s3: Any) -> bytes:
    wanted = {"Bucket": given["S3Bucket"], "Key": given["S3Key"]}
    if given.get("S3ObjectVersion"):
        wanted["VersionId"] = given["S3ObjectVersion"]
    try:
        return bytes(s3.get_object(**wanted)["Body"].read())
    except ClientError as refused:
        error = refused.response["Error"]
        raise wrong(
            f"Error occurred while GetObject. S3 Error Code: {error['Code']}. S3 Error Message: {error['Message']}"
        ) from None
