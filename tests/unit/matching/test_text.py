"""Normalising, words and sentences."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.text import american, normalise, sentences, stem, stems, words


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("tele\u200bhealth", "telehealth"),
        ("safe\u202etxet neddih\u202c", "safetxet neddih"),
        ("plain\U000e0041\U000e0042 text", "plain text"),
        ("ＳＤＥＣ ﬁrst", "SDEC first"),
        ("a\x00b\x07c", "abc"),
        ("  one\n\n two\t three ", "one two three"),
        ("p\u0430tient s\u0430fety", "patient safety"),
        ("диабет", "диабет"),
        ("5 μg/kg", "5 μg/kg"),
    ],
)
def test_hidden_and_look_alike_characters_leave_plain_text(written: str, plain: str) -> None:
    assert normalise(written) == plain


def test_text_beyond_the_limit_is_cut() -> None:
    assert normalise("word " * 100, limit=9) == "word word"


def test_words_keep_their_place_in_the_text() -> None:
    text = "D-dimer, in 8 minutes"
    assert [(word.text, text[word.start : word.end]) for word in words(text)] == [
        (found, found) for found in ["D", "dimer", "in", "8", "minutes"]
    ]


def test_stems_join_forms_of_a_word_and_leave_out_stop_words() -> None:
    assert stems("the midwives’ screening and screened patients") == ["midwiv", "screen", "screen", "patient"]


def test_sentences_end_where_a_reader_would_end_them() -> None:
    text = "C. diff fell by 3.5%. Dr. Shah agreed! e.g. Two wards\nNew line"
    assert [text[start:end] for start, end in sentences(text)] == [
        "C. diff fell by 3.5%.",
        "Dr. Shah agreed! e.g. Two wards",
        "New line",
    ]


_INVISIBLE = st.sampled_from(
    [
        *"\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u3164\u115f\u1160\uffa0\u17b4\u180b\u2063\u202e\u2066\u2800\ufe0f\u0336\u20dd"
    ]
    + [chr(0xE0000 + code) for code in range(0x20, 0x7F)]
)


@given(st.lists(st.tuples(st.sampled_from("falls at night 24/7"), _INVISIBLE), max_size=60))
def test_characters_that_show_as_nothing_are_never_compared(given_: list[tuple[str, str]]) -> None:
    seen = "".join(letter for letter, _ in given_)
    assert normalise("".join(letter + hidden for letter, hidden in given_)) == normalise(seen)


_LIKENESS = dict(zip("aceiopsxyhABEHKMOPTX", "асеіорѕхуһАВЕНКМОРТХ", strict=True))


@given(
    st.text(alphabet="aceiopsxyhABEHKMOPTXflnr ", min_size=2, max_size=60), st.randoms(use_true_random=False)
)
def test_look_alike_letters_in_an_english_text_become_plain_ones(text: str, chance: random.Random) -> None:
    around = "The plain words of this text are written with plain letters throughout, before and behind: "
    swapped = "".join(_LIKENESS.get(one, one) if chance.random() < 0.5 else one for one in text)
    kept = [word for word in text.split() if len(word) > 1]
    given_ = " ".join(word for word in swapped.split() if len(word) > 1)
    assert normalise(around + given_) == normalise(around + " ".join(kept))


@pytest.mark.parametrize("written", ["ΙΑΡТ ѕtуlе оutсоmеѕ.", "ΙΑΡТ", "ѕсоре"])
def test_words_of_nothing_but_look_alikes_become_plain_in_a_short_text_too(written: str) -> None:
    assert normalise(written).isascii()


def test_a_sentence_ends_before_a_look_alike_capital() -> None:
    text = "Few alarms. Νo cameras. Ѕmall."
    assert [text[start:end] for start, end in sentences(text)] == ["Few alarms.", "Νo cameras.", "Ѕmall."]


def test_a_text_in_another_script_stays_as_it_is() -> None:
    assert normalise("Привет, кто там? Москва.") == "Привет, кто там? Москва."
    assert normalise("रोगी की देखभाल") == "रोगी की देखभाल"
    assert normalise("TGF-β and 5 μg of α") == "TGF-β and 5 μg of α"


BRITISH_AND_AMERICAN = """
anaemia anemia, anaemic anemic, paediatric pediatric, paediatrician pediatrician, haemorrhage hemorrhage,
haemoglobin hemoglobin, haematology hematology, oesophagus esophagus, oesophageal esophageal, foetal
fetal, foetus fetus, organise organize, catheterise catheterize, catheterisation catheterization,
immunisation immunization, diarrhoea diarrhea, gynaecology gynecology, leukaemia leukemia, orthopaedic
orthopedic, orthopaedics orthopedics, tumour tumor, labour labor, colour color, behaviour behavior,
behavioural behavioral, fibre fiber, centre center, centres centers, litre liter, metre meter, theatre
theater, programme program, programmes programs, practise practice, analyse analyze, analyser analyzer,
dialyse dialyze, catalogue catalog, sulphate sulfate, dyspnoea dyspnea, apnoea apnea, coeliac celiac,
oestrogen estrogen, oedema edema, lymphoedema lymphedema, faeces feces, faecal fecal, caesarean cesarean,
ischaemia ischemia, ischaemic ischemic, bacteraemia bacteremia, hypoglycaemia hypoglycemia, septicaemia
septicemia, glycaemic glycemic, aetiology etiology, mould mold, grey gray, ageing aging, judgement
judgment, licence license, defence defense, travelled traveled, counselling counseling, labelling
labeling, labelled labeled, enrolment enrollment, fulfil fulfill, neighbour neighbor, neighbourhood
neighborhood, odour odor, favour favor, vapour vapor, vapours vapors, manoeuvre maneuver, tranquilliser
tranquilizer, crystallise crystallize, gonorrhoea gonorrhea, caecum cecum, anaesthesia anesthesia,
anaesthetist anesthetist, anaesthetic anesthetic, haemodialysis hemodialysis, haemophilia hemophilia,
thalassaemia thalassemia, toxaemia toxemia, tyre tire, sceptical skeptical, speciality specialty,
prioritisation prioritization, mobilise mobilize, hospitalised hospitalized, randomised randomized,
paralyse paralyze, catalyse catalyze, rationalise rationalize, rumour rumor, honour honor, humour humor,
flavour flavor, harbour harbor, haemolysis hemolysis, haemostasis hemostasis, palaeolithic paleolithic,
pretence pretense, dialling dialing, signalling signaling, modelling modeling, cancelled canceled,
cancellation cancelation, pyjamas pajamas, orthopaedist orthopedist, oestradiol estradiol, oesophagitis
esophagitis, uraemia uremia, hyperlipidaemia hyperlipidemia, polycythaemia polycythemia, foetuses
fetuses, fibres fibers, stabilise stabilize, sterilise sterilize, sterilising sterilizing, visualisation
visualization, optimise optimize, personalised personalized, customise customize, minimise minimize,
centred centered, metres meters, nitre niter, sabre saber, calibre caliber, encyclopaedia encyclopedia,
homoeopathy homeopathy, aluminium aluminum, oestrus estrus, sulphonylurea sulfonylurea, amoeba ameba,
haematoma hematoma, haematuria hematuria, menorrhoea menorrhea, dysmenorrhoea dysmenorrhea, logorrhoea
logorrhea, rationalisation rationalization, paraesthesia paresthesia, kinaesthetic kinesthetic,
anaesthesiology anesthesiology, dyslipidaemia dyslipidemia
"""


def test_british_and_american_spellings_have_one_stem() -> None:
    pairs = [pair.split() for pair in BRITISH_AND_AMERICAN.replace("\n", " ").split(",")]
    assert len(pairs) > 140
    assert [(one, other) for one, other in pairs if stem(one) != stem(other)] == []


@pytest.mark.parametrize(
    "word",
    ["hour", "four", "tour", "your", "swelling", "spelling", "telling", "calling", "aerosol", "hundred"],
)
def test_words_that_only_look_british_are_left_alone(word: str) -> None:
    assert american(word) == word
