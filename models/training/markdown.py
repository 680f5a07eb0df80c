"""Tables and numbers as Markdown."""


def percent(share, digits=1):
    """Returns a share as a percentage."""
    return f"{100 * share:.{digits}f} %"


def table(head, rows):
    """Returns a table; cells are written as they are."""
    lines = ["| " + " | ".join(map(str, head)) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])
