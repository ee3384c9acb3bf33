"""How an operation is declared, and how a tree is bound to its declaration."""
