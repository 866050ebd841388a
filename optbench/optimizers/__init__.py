"""Update rules, one idea a file; ``optbench.catalog`` names them."""
