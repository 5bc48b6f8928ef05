"""`make validation`: write the matrix that is checked in; with `check`, end with 1 where it is not current."""

import sys

from tests.validation import matrix

if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        matrix.check()
    else:
        matrix.write()
