"""What a page that embeds the web chat fetches: before the customer's click, and in all (gzip -9)."""

from __future__ import annotations

import gzip
import subprocess

from benchmarks.harness import ROOT, Context, Figure

LOADER_LIMIT, ALL_LIMIT = 4 * 1024, 25 * 1024
BUILT_FROM = 0.1
SOCKET_CLIENT = 12.6 * 1024  # socket.io-client alone, shipped esm.min (docs/performance.md)


def run(context: Context) -> dict[str, Figure]:
    folder = ROOT / "console" / "dist" / "widget"
    # Below that share of the size nobody reads the figure, and what `make test` has just built is in use.
    if context.size >= BUILT_FROM or not folder.exists():
        subprocess.run(["npm", "run", "build"], cwd=ROOT / "console", check=True, capture_output=True)  # noqa: S607  # the console's own build
    sizes = {
        str(path.relative_to(folder)): len(gzip.compress(path.read_bytes(), 9, mtime=0))
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".map"
    }
    loader, everything = sizes["loader.js"], sum(sizes.values())
    runs = [{name: float(size) for name, size in sizes.items()}]
    return {
        "widget_loader": Figure(loader, "bytes", loader <= LOADER_LIMIT, SOCKET_CLIENT, loader / SOCKET_CLIENT, runs),
        "widget_all": Figure(
            everything, "bytes", everything <= ALL_LIMIT, SOCKET_CLIENT, everything / SOCKET_CLIENT, runs
        ),
    }
