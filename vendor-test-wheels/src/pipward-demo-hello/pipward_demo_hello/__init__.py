"""Greets in several languages."""

import sys

from pipward_demo_words import words


def greeting(language="english"):
    return words("greetings")[language]


def main():
    language = sys.argv[1] if len(sys.argv) > 1 else "english"
    print(greeting(language))
    return 0
