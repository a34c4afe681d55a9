"""`python -m nta` is the command `nta`."""

from nta.bootstrap import main

main()
