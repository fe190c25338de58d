"""The README runs as it stands; with infl on the PATH, its shell blocks too."""
import os
import re
import shutil
import subprocess

import infl
from reader import read_manifest

README = os.path.join(os.path.dirname(__file__), "..", "README.md")


def test_readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open(README) as f:
        blocks = re.findall(r"^```(python|sh)\n(.*?)^```$", f.read(), re.M | re.S)
    assert [language for language, _ in blocks] == ["python", "sh", "python"]
    there, names = shutil.which("infl") is not None, {}
    for language, text in blocks if there else blocks[:1]:
        if language == "python":
            exec(text, names)
        else:
            subprocess.run(text, shell=True, check=True, executable="/bin/sh")
    assert [read_manifest(f"capture/{side}")["n"] for side in ("train", "query")] == [900, 100]
    if there:
        assert names["scores"]["query_key"].nunique() == 100
