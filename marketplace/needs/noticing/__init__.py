"""What the coach notices in a need: its rules, each with its reason and its own examples.

Pure functions over plain values. A rule finds exact words and asks a question about them. To add one, write its
examples first (the tests run them), then the function, its place in `RULES` and its part of ``docs/coach.md``.
"""

from marketplace.needs.noticing import asking, figures, must, naming, scope
from marketplace.needs.noticing.reading import Rule

#: All rules, the most important first: what is shown when there is not room for everything.
RULES: tuple[Rule, ...] = (
    naming.a_person,
    naming.a_solution,
    naming.a_product,
    naming.one_supplier,
    scope.no_population,
    scope.too_broad,
    scope.several_problems,
    figures.no_baseline,
    figures.no_measure,
    figures.no_target,
    must.untestable,
    must.vague_quantity,
    must.two_demands,
    asking.no_evidence,
    asking.an_abbreviation,
)
