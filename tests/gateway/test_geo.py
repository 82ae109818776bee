"""The location lookup in small databases written by the tests, and the replacement of a database in use."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from gateway.configuration.errors import GeoDatabaseError
from gateway.lookups.geo import GeoLookup
from graph.domain.visit import Place

OXFORD = {
    "city": {"geoname_id": 2640729, "names": {"de": "Oxford (de)", "en": "Oxford"}},
    "country": {"iso_code": "GB", "names": {"en": "United Kingdom"}},
    "registered_country": {"iso_code": "FR", "names": {"en": "France"}},
    "subdivisions": [
        {"iso_code": "ENG", "names": {"de": "Angelland", "en": "England"}},
        {"iso_code": "OXF", "names": {"en": "Oxfordshire"}},
    ],
}
SYDNEY = {"country_code": "AU", "state1": "New South Wales", "state2": "", "city": "Sydney", "postcode": ""}
MONTREAL = {"country_code": "CA", "state1": "Quebec", "state2": "", "city": "Montreal", "postcode": ""}
IN_OXFORD = Place("GB", "England", "Oxford")
IN_SYDNEY = Place("AU", "New South Wales", "Sydney")
IN_MONTREAL = Place("CA", "Quebec", "Montreal")


def write(path: Path, networks: Mapping[str, Any], *, ip_version: int = 6, kind: str = "GeoIP2-City") -> Path:
    """Write a database in place, overwriting any existing file."""
    writer = MMDBWriter(ip_version, kind, ["en"], "test", ipv4_compatible=ip_version == 6)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    return write(tmp_path / "city.mmdb", {"1.2.3.0/24": OXFORD, "2001:db8::/32": OXFORD})


@pytest.fixture
def flat(tmp_path: Path) -> list[Path]:
    narrow = write(tmp_path / "ipv4.mmdb", {"1.1.1.0/24": SYDNEY}, ip_version=4, kind="city ipv4")
    return [narrow, write(tmp_path / "ipv6.mmdb", {"2001:4860::/32": MONTREAL}, kind="city ipv6")]


def test_without_a_file_every_location_is_unknown() -> None:
    lookup = GeoLookup([])
    assert lookup("1.2.3.4") == Place()
    assert lookup.refresh() is False


@pytest.mark.parametrize("address", ["1.2.3.4", "::ffff:1.2.3.4", "2001:db8::1"])
def test_a_mixed_file_answers_both_address_families(nested: Path, address: str) -> None:
    assert GeoLookup([nested])(address) == IN_OXFORD


def test_flat_ipv4_and_ipv6_files_work_together(flat: list[Path]) -> None:
    for paths in (flat, flat[::-1]):
        lookup = GeoLookup(paths)
        assert lookup("1.1.1.1") == lookup("::ffff:1.1.1.1") == IN_SYDNEY
        assert lookup("2001:4860:4860::8888") == IN_MONTREAL


def test_an_ipv4_file_has_no_ipv6_addresses(flat: list[Path]) -> None:
    assert GeoLookup(flat[:1])("2001:4860:4860::8888") == Place()


def test_the_first_file_that_contains_the_address_wins(nested: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.mmdb", {"1.2.0.0/16": SYDNEY})
    lookup = GeoLookup([nested, other])
    assert (lookup("1.2.3.4"), lookup("1.2.4.4")) == (IN_OXFORD, IN_SYDNEY)


def test_a_country_file_gives_only_the_country(tmp_path: Path) -> None:
    path = write(tmp_path / "country.mmdb", {"1.2.3.0/24": {"country": OXFORD["country"]}}, kind="GeoLite2-Country")
    assert GeoLookup([path])("1.2.3.4") == Place(country="GB")


def test_empty_and_missing_names_are_none(tmp_path: Path) -> None:
    records = {
        "1.1.1.0/24": {**SYDNEY, "state1": "", "city": ""},
        "1.1.2.0/24": {**OXFORD, "subdivisions": [], "city": {"names": {"de": "Oxford (de)"}}},
        "1.1.3.0/24": {"country": "GB", "city": ["another shape"]},
    }
    lookup = GeoLookup([write(tmp_path / "odd.mmdb", records)])
    assert [lookup(f"1.1.{n}.1") for n in (1, 2, 3)] == [Place(country="AU"), Place(country="GB"), Place()]


def test_names_are_truncated_to_their_columns_and_have_no_nuls(tmp_path: Path) -> None:
    path = write(tmp_path / "long.mmdb", {"1.1.1.0/24": {**SYDNEY, "city": "\0" + "S" * 300}})
    assert GeoLookup([path])("1.1.1.1").city == "S" * 128


@pytest.mark.parametrize(
    "address", ["", "1.2.3", "1.2.3.4 ", "unknown", "1.2.3.4\x00", "\ud800", "9" * 5000, "8.8.8.8"]
)
def test_an_invalid_or_unknown_address_has_no_location(nested: Path, address: str) -> None:
    assert GeoLookup([nested])(address) == Place()


@given(st.text(st.characters(codec=None)) | st.ip_addresses().map(str))
def test_no_text_raises_an_error(tmp_path_factory: pytest.TempPathFactory, address: str) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.mmdb"
    assert isinstance(GeoLookup([path if path.exists() else write(path, {"1.2.0.0/16": OXFORD})])(address), Place)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeoDatabaseError, match=r"absent\.mmdb: No such file"):
        GeoLookup([tmp_path / "absent.mmdb"])


@pytest.mark.parametrize("content", [b"", b"a list of networks\n" * 100])
def test_a_file_of_another_format_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.mmdb"
    path.write_bytes(content)
    with pytest.raises(GeoDatabaseError, match=r"list\.mmdb: not an \.mmdb file"):
        GeoLookup([path])


def test_a_file_without_locations_is_refused(tmp_path: Path) -> None:
    record = {"autonomous_system_number": 15169, "autonomous_system_organization": "Google"}
    path = write(tmp_path / "asn.mmdb", {"8.8.8.0/24": record}, kind="GeoLite2-ASN")
    with pytest.raises(GeoDatabaseError, match=r"asn\.mmdb: this GeoLite2-ASN database has no city or country data"):
        GeoLookup([path])


def test_a_renamed_replacement_is_reopened_once(nested: Path, tmp_path: Path) -> None:
    lookup = GeoLookup([nested])
    assert lookup("1.2.3.4") == IN_OXFORD
    assert lookup.refresh() is False
    write(tmp_path / "new.mmdb", {"1.2.3.0/24": SYDNEY}).replace(nested)
    assert lookup("1.2.3.4") == IN_OXFORD
    assert lookup.refresh() is True
    assert lookup("1.2.3.4") == IN_SYDNEY
    assert lookup.refresh() is False


def test_a_file_rewritten_in_place_serves_its_old_content_until_reopened(nested: Path) -> None:
    lookup = GeoLookup([nested])
    write(nested, {"1.2.3.0/24": MONTREAL})
    assert lookup("1.2.3.4") == IN_OXFORD
    assert lookup.refresh() is True
    assert lookup("1.2.3.4") == IN_MONTREAL


@pytest.mark.parametrize("content", [b"", b"half a file", None])
def test_a_damaged_or_missing_replacement_keeps_the_old_content_and_warns_once(
    nested: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    lookup = GeoLookup([nested])
    if content is None:
        nested.unlink()
    else:
        nested.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert [lookup.refresh(), lookup.refresh()] == [False, False]
    assert lookup("1.2.3.4") == IN_OXFORD
    assert [str(nested) in record.getMessage() for record in caplog.records] == [True]
    write(nested, {"1.2.3.0/24": SYDNEY})
    assert lookup.refresh() is True
    assert lookup("1.2.3.4") == IN_SYDNEY


def test_a_damaged_replacement_is_read_only_once(
    nested: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup = GeoLookup([nested])
    nested.write_bytes(b"half a file")
    lookup.refresh()
    caplog.clear()
    monkeypatch.setattr("tempfile.tempdir", str(nested.parent / "absent"))
    assert lookup.refresh() is False
    assert caplog.records == []


def test_a_temporarily_unreadable_file_is_tried_again(nested: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lookup = GeoLookup([nested])
    write(nested, {"1.2.3.0/24": SYDNEY})
    with monkeypatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(nested.parent / "absent"))
        assert lookup.refresh() is False
    assert lookup.refresh() is True
    assert lookup("1.2.3.4") == IN_SYDNEY


def test_a_closed_lookup_has_no_locations_and_reopens_nothing(nested: Path) -> None:
    lookup = GeoLookup([nested])
    lookup.close()
    os.utime(nested, ns=(1, 1))
    assert lookup.refresh() is False
    assert lookup("1.2.3.4") == Place()
