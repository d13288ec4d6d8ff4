"""Compiles the passes over bytes, with the compiler of the package `ziglang`: no other one need be there."""

import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FLAGS = ["-std=c11", "-O3", "-mcpu=baseline", "-shared", "-fPIC", "-s", "-Wall", "-Wextra", "-Werror"]


class Kernel(build_ext):
    """A library for `ctypes`, which needs none of Python's headers."""

    def build_extension(self, ext: Extension) -> None:
        library = Path(self.get_ext_fullpath(ext.name))
        library.parent.mkdir(parents=True, exist_ok=True)
        compiler = [sys.executable, "-m", "ziglang", "cc"]
        subprocess.run([*compiler, *FLAGS, "-o", library, *ext.sources], check=True)  # noqa: S603


setup(
    ext_modules=[
        Extension("export_pipelines.mask._kernel", ["export_pipelines/mask/kernel.c"]),
        Extension("export_pipelines.transform._json_texts", ["export_pipelines/transform/json_texts.c"]),
    ],
    cmdclass={"build_ext": Kernel},
)
