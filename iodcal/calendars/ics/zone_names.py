"""Names of time zones other than IANA's: Windows' own, old and shown, abbreviations, offsets, and paths that
end in an IANA name. Only names of which it is certain which zone they mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from iodcal.calendars.ics.zones import DefinedZone, Zone, offset_of

_SHOWN = re.compile(r"\((?:utc|gmt)(?:([+-]\d{1,2})[:.]?(\d{2}))?\)\s*(.+)")
_BY_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])\s*(\d{1,2})(?::?(\d{2}))?")
_WINTER, _SUMMER = datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)


def iana_zone(name: str) -> ZoneInfo | None:
    """The zone of the IANA database called `name`, in any case."""
    found = _iana_names().get(name)
    try:
        return ZoneInfo(found) if found is not None else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None  # the database lists what it does not hold


def known_zone(name: str) -> Zone | None:
    """The zone that `name`, in one case and without needless blanks, means without doubt."""
    zone = _named(name) or _by_offset(name)
    if zone is not None:
        return zone
    if (shown := _SHOWN.fullmatch(name)) is not None:
        return _shown(*shown.groups())
    if "/" in name:
        return _by_path(name)
    return _by_cities(name, None) or iana_zone(name.replace("-", "/", 1))  # `US-Eastern`, `America-New_York`


@cache
def _iana_names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


@cache
def _other_names() -> dict[str, str]:
    rows = (row.partition("=") for row in (_WINDOWS + _SHOWN_BY_WINDOWS + _ABBREVIATIONS).splitlines() if row)
    return {name.casefold(): zone for name, _, zone in rows}


@cache
def _cities() -> dict[str, list[str]]:
    """IANA names by their last part, which is a city or a region."""
    cities: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        if "/" in name and not name.startswith("Etc/"):
            cities.setdefault(name.rpartition("/")[2].replace("_", " ").casefold(), []).append(name)
    return cities


def _named(name: str) -> ZoneInfo | None:
    found = _other_names().get(name)
    return ZoneInfo(found) if found is not None else None


def _by_offset(name: str) -> DefinedZone | None:
    """`UTC+2`, `GMT+0200`, `UTC-05:30`: so far from UTC the whole year, east being more."""
    found = _BY_OFFSET.fullmatch(name)
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    try:
        return DefinedZone(offset_of(f"{sign}{hours:0>2}{minutes or '00'}"))
    except ValueError:
        return None


def _shown(hours: str | None, minutes: str | None, rest: str) -> Zone | None:
    """A name as Windows shows it: `(UTC-05:00) Eastern Time (US & Canada)`."""
    named = _named(rest)
    if named is not None:
        return named
    offset = (int(hours or 0), int(minutes or 0))
    return _by_cities(rest, offset)


def _by_cities(names: str, offset: tuple[int, int] | None) -> ZoneInfo | None:
    """The zone of the first city named that has this offset (hours, minutes) in winter or summer."""
    for city in names.replace(" / ", ",").replace("(", ",").replace(")", "").replace(" is.", "").split(","):
        for name in _cities().get(city.strip(), ()):
            zone = ZoneInfo(name)
            if offset is None or offset in {_offset_of(zone, at) for at in (_WINTER, _SUMMER)}:
                return zone
        if offset is None:
            return None  # without an offset to compare, only the first name is sure
    return None


def _offset_of(zone: ZoneInfo, at: datetime) -> tuple[int, int]:
    seconds = int((at.astimezone(zone).utcoffset() or (at - at)).total_seconds())
    hours, rest = divmod(abs(seconds), 3600)
    return (hours if seconds >= 0 else -hours), rest // 60


def _by_path(name: str) -> ZoneInfo | None:
    """`/freeassociation.sourceforge.net/Tzfile/Europe/Berlin` and its like."""
    parts = name.split("/")
    paths = ("/".join(parts[-length:]) for length in (3, 2) if len(parts) > length)
    return next((zone for path in paths if (zone := iana_zone(path)) is not None), None)


# Unicode CLDR, windowsZones.xml (territory 001), and names that older releases of Windows had.
_WINDOWS = """
Afghanistan Standard Time=Asia/Kabul
Alaskan Standard Time=America/Anchorage
Aleutian Standard Time=America/Adak
Altai Standard Time=Asia/Barnaul
Arab Standard Time=Asia/Riyadh
Arabian Standard Time=Asia/Dubai
Arabic Standard Time=Asia/Baghdad
Argentina Standard Time=America/Argentina/Buenos_Aires
Armenian Standard Time=Asia/Yerevan
Astrakhan Standard Time=Europe/Astrakhan
Atlantic Standard Time=America/Halifax
AUS Central Standard Time=Australia/Darwin
Aus Central W. Standard Time=Australia/Eucla
AUS Eastern Standard Time=Australia/Sydney
Azerbaijan Standard Time=Asia/Baku
Azores Standard Time=Atlantic/Azores
Bahia Standard Time=America/Bahia
Bangladesh Standard Time=Asia/Dhaka
Belarus Standard Time=Europe/Minsk
Bougainville Standard Time=Pacific/Bougainville
Canada Central Standard Time=America/Regina
Cape Verde Standard Time=Atlantic/Cape_Verde
Caucasus Standard Time=Asia/Yerevan
Cen. Australia Standard Time=Australia/Adelaide
Central America Standard Time=America/Guatemala
Central Asia Standard Time=Asia/Bishkek
Central Brazilian Standard Time=America/Cuiaba
Central Europe Standard Time=Europe/Budapest
Central European Standard Time=Europe/Warsaw
Central Pacific Standard Time=Pacific/Guadalcanal
Central Standard Time=America/Chicago
Central Standard Time (Mexico)=America/Mexico_City
Chatham Islands Standard Time=Pacific/Chatham
China Standard Time=Asia/Shanghai
Cuba Standard Time=America/Havana
Dateline Standard Time=Etc/GMT+12
E. Africa Standard Time=Africa/Nairobi
E. Australia Standard Time=Australia/Brisbane
E. Europe Standard Time=Europe/Chisinau
E. South America Standard Time=America/Sao_Paulo
Easter Island Standard Time=Pacific/Easter
Eastern Standard Time=America/New_York
Eastern Standard Time (Mexico)=America/Cancun
Egypt Standard Time=Africa/Cairo
Ekaterinburg Standard Time=Asia/Yekaterinburg
Fiji Standard Time=Pacific/Fiji
FLE Standard Time=Europe/Kyiv
Georgian Standard Time=Asia/Tbilisi
GMT Standard Time=Europe/London
Greenland Standard Time=America/Nuuk
Greenwich Standard Time=Atlantic/Reykjavik
GTB Standard Time=Europe/Bucharest
Haiti Standard Time=America/Port-au-Prince
Hawaiian Standard Time=Pacific/Honolulu
India Standard Time=Asia/Kolkata
Iran Standard Time=Asia/Tehran
Israel Standard Time=Asia/Jerusalem
Jordan Standard Time=Asia/Amman
Kaliningrad Standard Time=Europe/Kaliningrad
Kamchatka Standard Time=Asia/Kamchatka
Korea Standard Time=Asia/Seoul
Libya Standard Time=Africa/Tripoli
Line Islands Standard Time=Pacific/Kiritimati
Lord Howe Standard Time=Australia/Lord_Howe
Magadan Standard Time=Asia/Magadan
Magallanes Standard Time=America/Punta_Arenas
Marquesas Standard Time=Pacific/Marquesas
Mauritius Standard Time=Indian/Mauritius
Mexico Standard Time=America/Mexico_City
Mexico Standard Time 2=America/Mazatlan
Mid-Atlantic Standard Time=Etc/GMT+2
Middle East Standard Time=Asia/Beirut
Montevideo Standard Time=America/Montevideo
Morocco Standard Time=Africa/Casablanca
Mountain Standard Time=America/Denver
Mountain Standard Time (Mexico)=America/Mazatlan
Myanmar Standard Time=Asia/Yangon
N. Central Asia Standard Time=Asia/Novosibirsk
Namibia Standard Time=Africa/Windhoek
Nepal Standard Time=Asia/Kathmandu
New Zealand Standard Time=Pacific/Auckland
Newfoundland Standard Time=America/St_Johns
Norfolk Standard Time=Pacific/Norfolk
North Asia East Standard Time=Asia/Irkutsk
North Asia Standard Time=Asia/Krasnoyarsk
North Korea Standard Time=Asia/Pyongyang
Omsk Standard Time=Asia/Omsk
Pacific SA Standard Time=America/Santiago
Pacific Standard Time=America/Los_Angeles
Pacific Standard Time (Mexico)=America/Tijuana
Pakistan Standard Time=Asia/Karachi
Paraguay Standard Time=America/Asuncion
Prague Bratislava=Europe/Prague
Qyzylorda Standard Time=Asia/Qyzylorda
Romance Standard Time=Europe/Paris
Russia Time Zone 1=Europe/Kaliningrad
Russia Time Zone 10=Asia/Srednekolymsk
Russia Time Zone 11=Asia/Kamchatka
Russia Time Zone 2=Europe/Moscow
Russia Time Zone 3=Europe/Samara
Russia Time Zone 4=Asia/Yekaterinburg
Russia Time Zone 5=Asia/Omsk
Russia Time Zone 6=Asia/Krasnoyarsk
Russia Time Zone 7=Asia/Irkutsk
Russia Time Zone 8=Asia/Yakutsk
Russia Time Zone 9=Asia/Vladivostok
Russian Standard Time=Europe/Moscow
SA Eastern Standard Time=America/Cayenne
SA Pacific Standard Time=America/Bogota
SA Western Standard Time=America/La_Paz
Saint Pierre Standard Time=America/Miquelon
Sakhalin Standard Time=Asia/Sakhalin
Samoa Standard Time=Pacific/Apia
Sao Tome Standard Time=Africa/Sao_Tome
Saratov Standard Time=Europe/Saratov
SE Asia Standard Time=Asia/Bangkok
Singapore Standard Time=Asia/Singapore
South Africa Standard Time=Africa/Johannesburg
South Sudan Standard Time=Africa/Juba
Sri Lanka Standard Time=Asia/Colombo
Sudan Standard Time=Africa/Khartoum
Sydney Standard Time=Australia/Sydney
Syria Standard Time=Asia/Damascus
Taipei Standard Time=Asia/Taipei
Tasmania Standard Time=Australia/Hobart
Tocantins Standard Time=America/Araguaina
Tokyo Standard Time=Asia/Tokyo
Tomsk Standard Time=Asia/Tomsk
Tonga Standard Time=Pacific/Tongatapu
Transbaikal Standard Time=Asia/Chita
Turkey Standard Time=Europe/Istanbul
Turks And Caicos Standard Time=America/Grand_Turk
Ulaanbaatar Standard Time=Asia/Ulaanbaatar
US Eastern Standard Time=America/Indiana/Indianapolis
US Mountain Standard Time=America/Phoenix
UTC=UTC
UTC+12=Etc/GMT-12
UTC+13=Etc/GMT-13
UTC-02=Etc/GMT+2
UTC-08=Etc/GMT+8
UTC-09=Etc/GMT+9
UTC-11=Etc/GMT+11
Venezuela Standard Time=America/Caracas
Vladivostok Standard Time=Asia/Vladivostok
Volgograd Standard Time=Europe/Volgograd
W. Australia Standard Time=Australia/Perth
W. Central Africa Standard Time=Africa/Lagos
W. Europe Standard Time=Europe/Berlin
W. Mongolia Standard Time=Asia/Hovd
West Asia Standard Time=Asia/Tashkent
West Bank Standard Time=Asia/Hebron
West Pacific Standard Time=Pacific/Port_Moresby
Yakutsk Standard Time=Asia/Yakutsk
Yukon Standard Time=America/Whitehorse
"""

# What Windows and Outlook show of zones, where no city in it names the zone.
_SHOWN_BY_WINDOWS = """
Atlantic Time (Canada)=America/Halifax
Central America=America/Guatemala
Central Time (US & Canada)=America/Chicago
Central Time (US and Canada)=America/Chicago
Coordinated Universal Time=UTC
Eastern Time (US & Canada)=America/New_York
Eastern Time (US and Canada)=America/New_York
Ekaterinburg=Asia/Yekaterinburg
Greenwich Mean Time=UTC
Greenwich Mean Time : Dublin, Edinburgh, Lisbon, London=Europe/London
Indiana (East)=America/Indiana/Indianapolis
International Date Line West=Etc/GMT+12
Mid-Atlantic=Etc/GMT+2
Mountain Time (US & Canada)=America/Denver
Mountain Time (US and Canada)=America/Denver
Nuku'alofa=Pacific/Tongatapu
Pacific Time (US & Canada)=America/Los_Angeles
Pacific Time (US & Canada); Tijuana=America/Los_Angeles
Pacific Time (US and Canada)=America/Los_Angeles
Pacific Time (US and Canada); Tijuana=America/Los_Angeles
Solomon Is., New Caledonia=Pacific/Guadalcanal
tzone://Microsoft/Utc=UTC
West Central Africa=Africa/Lagos
"""

# Those that mean one zone only: not CST (Chicago, Shanghai, Havana), IST or BST.
_ABBREVIATIONS = """
AKDT=America/Anchorage
AKST=America/Anchorage
CEST=Europe/Berlin
EDT=America/New_York
EEST=Europe/Helsinki
JST=Asia/Tokyo
KST=Asia/Seoul
MDT=America/Denver
MESZ=Europe/Berlin
MEZ=Europe/Berlin
PDT=America/Los_Angeles
PST=America/Los_Angeles
UT=UTC
WEST=Europe/Lisbon
Z=UTC
"""
