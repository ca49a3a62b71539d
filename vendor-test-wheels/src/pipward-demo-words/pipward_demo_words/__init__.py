"""Reads the word lists that come with it."""

import pathlib

FILES = {"greetings": "grüße.txt", "words": "言葉.txt", "letters": "λόγια/γράμματα.txt"}


def words(name):
    text = (pathlib.Path(__file__).parent / FILES[name]).read_text(encoding="utf-8")
    return dict(line.split(" = ") for line in text.splitlines())
