"""The organisations that the registry starts with."""

from __future__ import annotations

import re
from datetime import date

from marketplace.organisations import reference


def test_there_are_seven_regions_with_codes_of_their_own() -> None:
    assert [region.ods_code for region in reference.regions()] == [
        "Y56",
        "Y58",
        "Y59",
        "Y60",
        "Y61",
        "Y62",
        "Y63",
    ]


def test_there_are_42_boards_with_codes_of_their_own() -> None:
    boards = reference.icbs()
    assert len(boards) == 42
    assert len({board.ods_code for board in boards}) == 42
    assert len({board.ons_code for board in boards}) == 42
    assert all(re.fullmatch(r"Q[A-Z0-9]{2}", board.ods_code) for board in boards)
    assert all(re.fullmatch(r"E54000\d{3}", board.ons_code) for board in boards)


def test_every_board_lies_in_a_known_region_and_every_region_has_a_board() -> None:
    assert {board.region_code for board in reference.icbs()} == {
        region.ods_code for region in reference.regions()
    }


def test_a_board_carries_the_facts_of_its_source() -> None:
    greater_manchester = next(board for board in reference.icbs() if board.ods_code == "QOP")
    assert greater_manchester.name == "NHS Greater Manchester Integrated Care Board"
    assert greater_manchester.region_code == "Y62"
    assert greater_manchester.ons_code == "E54000057"
    assert greater_manchester.valid_from == date(2022, 7, 1)
    assert greater_manchester.as_of == date(2024, 8, 31)
    assert "rcpch-nhs-organisations" in greater_manchester.source


def test_there_are_15_networks_and_none_has_an_ods_code() -> None:
    networks = reference.hins()
    assert len({network.slug for network in networks}) == 15
    assert {network.ods_code for network in networks} == {None}
    assert all(re.fullmatch(r"hin-[a-z-]+", network.slug) for network in networks)


def test_there_are_207_trusts_each_under_a_known_board() -> None:
    trusts = reference.trusts()
    assert len(trusts) == 207
    assert len({trust.ods_code for trust in trusts}) == 207
    assert {trust.icb_code for trust in trusts} == {board.ods_code for board in reference.icbs()}
    assert all(re.fullmatch(r"R[A-Z0-9]{2}", trust.ods_code) for trust in trusts)


def test_a_trust_stands_under_the_board_of_its_source() -> None:
    leicester = next(trust for trust in reference.trusts() if trust.ods_code == "RWE")
    assert leicester.name == "University Hospitals of Leicester NHS Trust"
    assert leicester.icb_code == "QK1"


def test_each_board_is_in_exactly_one_demo_patch_and_none_is_confirmed() -> None:
    patches = reference.demo_hin_patches()
    assert sorted(patch.icb_code for patch in patches) == [board.ods_code for board in reference.icbs()]
    assert {patch.hin_slug for patch in patches} == {network.slug for network in reference.hins()}
    assert {patch.confirmed for patch in patches} == {False}
    assert {patch.source for patch in patches} == {"Demo assumption by geography, not confirmed"}
