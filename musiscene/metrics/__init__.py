"""How good texts are: against references, at telling tracks apart, in their variety."""
