"""Typing errors in queries."""

from __future__ import annotations

import pytest

from matching.adapters.sentence_encoder import SentenceEncoder
from matching.lexicon import lexicon, lexicon_stems
from matching.settings import MatcherSettings
from matching.spelling import mended, nearest
from matching.steps.expand import Expand
from matching.text import stem

MISSPELT = """
anasthetic anaesthetic|alzhiemers alzheimer's|anaemea anaemia|antibotics antibiotics|apnea apnoea|
arrythmia arrhythmia|artheritis arthritis|asthmah asthma|ashtma asthma|atrail atrial|audiolgy audiology|
autisim autism|bariactric bariatric|bronchiolitus bronchiolitis|calender calendar|cancre cancer|
cardilogy cardiology|catarct cataract|cathetar catheter|cemotherapy chemotherapy|
chemotheraphy chemotherapy|colonscopy colonoscopy|constapation constipation|dehydraton dehydration|
delerium delirium|dementai dementia|dermatolgy dermatology|diabetis diabetes|diabeties diabetes|
diahorrea diarrhoea|diarhea diarrhoea|dialisis dialysis|dispensery dispensary|disharge discharge|
dysphasia dysphagia|eczma eczema|endoscpy endoscopy|epilepsey epilepsy|faciltiy facility|frality frailty|
fracure fracture|gluacoma glaucoma|gynecolgy gynaecology|haemorhage haemorrhage|hemmorage haemorrhage|
hypertention hypertension|imunisation immunisation|incontinance incontinence|infermation information|
inhailer inhaler|insullin insulin|jaundise jaundice|kidny kidney|langauge language|
lymphodema lymphoedema|maternaty maternity|menapause menopause|miscarrage miscarriage|migrane migraine|
neonatel neonatal|newmonia pneumonia|pnuemonia pneumonia|nuerology neurology|obisity obesity|
opthalmology ophthalmology|orthopeadic orthopaedic|osteoperosis osteoporosis|paliative palliative|
parkinsins parkinson's|parmacy pharmacy|pharamcy pharmacy|phisiotherapy physiotherapy|
physotherapy physiotherapy|prescibing prescribing|preganancy pregnancy|pressue pressure|
prostrate prostate|psycosis psychosis|psoraisis psoriasis|radiolgy radiology|recieve receive|
referal referral|rehabilitaion rehabilitation|remeinder reminder|resperatory respiratory|
rhuematology rheumatology|rumatoid rheumatoid|scheduel schedule|schizofrenia schizophrenia|
seizuer seizure|sepsus sepsis|spirometery spirometry|stethescope stethoscope|swallwoing swallowing|
thromobsis thrombosis|tonsilitis tonsillitis|transfuson transfusion|tuburculosis tuberculosis|
ultrasond ultrasound|urinery urinary|vaccinaton vaccination|virtaul virtual|wheelchiar wheelchair
"""
PAIRS = [tuple(pair.split()) for pair in MISSPELT.replace("\n", "").split("|")]

REAL = """
umbrella bicycle kitchen orchestra mountain tractor garden window library picnic carpet lantern pepper
saddle whistle harvest compass chimney curtain bracelet puzzle violin sunset dolphin pilot rocket castle
bridge island village market engine leather pencil guitar pyramid dragon helmet hammer barrel anchor
magnet candle meadow timber copper silver marble velvet sculpture painter tailor farmer sailor soldier
lawyer pastor grocery bakery tavern stadium theatre cinema concert festival parade wedding holiday voyage
airport railway tunnel harbour lagoon glacier volcano desert prairie canyon statue brake board beard
steal stable table cable fable noble brave crave grave plane plain crane brain train drain grain
"""


def meant(*typed: str) -> dict[str, str]:
    """Return what the shipped words make of something typed, before anything is registered."""
    return dict(Expand(MatcherSettings()).mended(" ".join(typed), lambda _: False, list))


def test_most_common_misspellings_are_mended_before_anything_is_registered() -> None:
    assert len(PAIRS) >= 100
    wrong = {}
    for typed, right in PAIRS:
        found = meant(typed).get(typed, typed)
        if stem(found) != stem(right):
            wrong[typed] = found
    assert len(wrong) <= len(PAIRS) / 20, wrong  # 19 in 20 are mended


def test_real_words_are_never_changed() -> None:
    expand = Expand(MatcherSettings(), SentenceEncoder().knows_word)
    assert expand.mended(REAL, lambda _: False, list) == {}


def test_known_short_and_far_words_and_abbreviations_are_left_alone() -> None:
    assert meant("insulin", "pmp", "xylophonic", "d1a2b3", "SNOMEDD") == {}


def test_a_word_that_only_the_register_knows_is_mended_to_its_stem() -> None:
    known = ["zorbglow"]
    assert Expand(MatcherSettings()).mended("zorbgolw lamp", known.__contains__, lambda: known) == {
        "zorbgolw": "zorbglow"
    }


def test_what_was_mended_counts_less_and_brings_its_concept() -> None:
    terms = Expand(MatcherSettings()).typed_terms("dermatolgy", lambda _: False, list)
    assert terms["dermatolgi"] == 1
    assert terms["dermatolog"] == pytest.approx(0.8)
    assert terms["§dermatology"] == pytest.approx(0.8)


def test_switched_off_nothing_is_mended() -> None:
    assert Expand(MatcherSettings(spelling=False)).mended("dermatolgy", lambda _: False, list) == {}


@pytest.mark.parametrize(
    ("typed", "near", "far"),
    [
        ("brian", "brain", "brawn"),  # two letters changed about before another letter
        ("paim", "pain", "paid"),  # the key beside
        ("sworlen", "swollen", "swordmen"),
        ("newmonia", "pneumonia", "ammonia"),  # as it sounds
    ],
)
def test_a_likely_slip_is_nearer_than_an_unlikely_one(typed: str, near: str, far: str) -> None:
    assert nearest(typed, [far, near]) == near


def test_nothing_is_near_what_is_far() -> None:
    assert nearest("helicopter", ["hepatitis", "heliotrope"]) is None
    assert mended(["pump"], lambda _: False, lambda: ["pumps"]) == {}


def test_the_lexicon_holds_full_words_and_their_stems() -> None:
    assert {"dermatology", "pneumonia", "the"} <= set(lexicon(True))
    assert {"dermatolog", "pneumonia"} <= lexicon_stems(True)
    assert len(lexicon(False)) < len(lexicon(True))
