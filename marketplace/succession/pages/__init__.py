"""The pages of changes of organisations."""

from marketplace.succession.pages.change import ChangePage, Task
from marketplace.succession.pages.choices import PER_PAGE, ChoicesPage, Choose, Option
from marketplace.succession.pages.confirming import ConfirmPage
from marketplace.succession.pages.history import HistoryPage, Told
from marketplace.succession.pages.left_behind import LeftGroup, LeftPage
from marketplace.succession.pages.listing import TAGS, ChangeLine, CodePage, ListingPage, change_line
from marketplace.succession.pages.places import Contender, PlacesPage, Round, place_words
from marketplace.succession.pages.recording import CancelPage, ImportPage, NewPage, plan_rows
from marketplace.succession.pages.sums import SumRow, paired, sum_rows

__all__ = [
    "PER_PAGE",
    "TAGS",
    "CancelPage",
    "ChangeLine",
    "ChangePage",
    "ChoicesPage",
    "Choose",
    "CodePage",
    "ConfirmPage",
    "Contender",
    "HistoryPage",
    "ImportPage",
    "LeftGroup",
    "LeftPage",
    "ListingPage",
    "NewPage",
    "Option",
    "PlacesPage",
    "Round",
    "SumRow",
    "Task",
    "Told",
    "change_line",
    "paired",
    "place_words",
    "plan_rows",
    "sum_rows",
]
