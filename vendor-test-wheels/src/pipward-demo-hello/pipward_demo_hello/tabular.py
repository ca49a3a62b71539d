"""Greets in a table; needs the extra `table`."""

from pipward_demo_table import table
from pipward_demo_words import words


def main():
    print(table(sorted(words("greetings").items())))
    return 0
