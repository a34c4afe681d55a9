"""Where the folders that ship beside the code are: in the wheel, or in the checkout."""

from importlib.resources import files
from pathlib import Path


def shipped(name: str) -> Path:
    """Return where this installation keeps the folder `providers`, `templates`, `migrations` or `rdap`."""
    package = Path(str(files("nta")))
    packed = package / "_shipped" / name
    return packed if packed.is_dir() else package.parent / name


def template_folders(own: Path | None) -> list[Path]:
    """Return the folders of templates, the hotline's own laid over ours."""
    return [folder for folder in (own, shipped("templates")) if folder]
