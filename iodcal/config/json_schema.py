"""The JSON Schema of `rules.yaml`, and what each of its keys means in one line: by section, then by key.

A plug-in's sections, and `match`, carry their own, as `msgspec.Meta(description=...)` in an annotation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from iodcal.config.fields import FILLED_IN, one_or_list
from iodcal.config.forms import (
    Form,
    Json,
    Key,
    ListForm,
    MappingForm,
    OptionalForm,
    Scalar,
    Section,
    SectionForm,
    SectionOrForm,
    keys_of,
)
from iodcal.config.plugins import CALENDARS, CARRIERS, KIND_BY_KEY, known_kinds, load_plugin
from iodcal.config.schema import CalendarSection, CarrierSection, File
from iodcal.errors import ConfigurationError, Fault

_ZONES = "What names of time zones mean that nobody else knows, such as {CST: America/Chicago}."
_SUBJECTS = "show, or hide: no subject is shown or stored."
_ORDERS = "all; ups: never lower; none: order nothing, and record what would have been ordered."
_LEAD = "How long before an event its bandwidth is asked for."
_TRAIL = "How long after an event its bandwidth is still asked for."
_LABELS = "Names and values of your own, such as cost_center: they go into history and reports."
_HOLIDAYS = "Whose holidays are kept: the name of an entry of `holidays`."
_RATES = "By tier, what an hour costs; unset: the carrier's public list, until it quotes."
_CURRENCY = "The currency of the rates, such as USD."
_MAX_PRICE = "A raise that is quoted above this is not ordered; in the currency of the rates."
_USAGE = "Where a Prometheus server tells how much of a circuit was really used."
_BY_SERVICE = "by service ID, where the inventory does not say."
_LUMEN_LOGIN = {
    "environment": "production or test: there is no default.",
    "customer_number": "The number in brackets behind the account's name.",
    "client_id": "Where the app's consumer key is.",
    "client_secret": "Where the app's consumer secret is.",
    "base_url": "Another address of the API, for a local server.",
    "token_url": "Another address of the login, for a local server.",
}

KEYS: Mapping[str, Mapping[str, str]] = {
    "File": {
        "version": "The version of this format: 1.",
        "timezone": "Where local times are judged, unless a site or a circuit has a zone of its own.",
        "extends": "A rules file with what several installations have in common; this one's keys win.",
        "settings": "How iodcal runs, and what holds for all rules.",
        "microsoft365": "The tenant whose mailboxes are read, and how to log in.",
        "sites": "Places by name: a rule with same_site joins rooms and circuits of one site.",
        "holidays": "Days that are kept free, by name: of a country and region, or of your own.",
        "calendars": "Where events come from, by name.",
        "carriers": "Who is asked for bandwidth, by name.",
        "baselines": "Recurring schedules, by name.",
        "defaults": "What holds for every circuit that does not say otherwise.",
        "circuits": "The circuits, by the names that you give them.",
        "rules": "Which events ask for which bandwidth on which circuits.",
        "notify": "Whom to tell of a run, by name.",
        "budget": "What circuits may cost in a month before a run warns; several as a list.",
        "usage": _USAGE,
    },
    "UsageSection": {
        "url": "The Prometheus server's address, without /api.",
        "token": "Where a bearer token for it is.",
        "username": "The user of a basic login.",
        "password": "Where that user's password is.",
        "in": "PromQL for what the circuit carries inwards, such as rate(ifHCInOctets{...}[5m]) * 8.",
        "out": "PromQL for what it carries outwards. In both, {circuit} and the like are filled in.",
        "unit": "What the queries answer in: bps, Bps (bytes), kbps, Mbps or Gbps.",
    },
    "BudgetSection": {
        "monthly": "The money of a calendar month: a run warns at 80 and at 100 %.",
        "label": "A budget for the circuits of each value of this label; unset: for all circuits together.",
        "value": "Only for circuits with this value of the label.",
        "currency": "Only costs in this currency; unset: those of each currency by themselves.",
    },
    "StateStoreSection": {
        "region": "S3: the bucket's region.",
        "endpoint": "Another address than that of Amazon, Azure or Google.",
        "access_key_id": "S3: where the ID of the access key is.",
        "secret_access_key": "S3: where the access key is.",
        "session_token": "S3: where the token of temporary keys is.",
        "account_name": "Azure: the storage account.",
        "account_key": "Azure: where the key of the account is.",
        "sas_token": "Azure: where a shared access signature is.",
        "tenant_id": "Azure: the tenant of an app registration.",
        "client_id": "Azure: the ID of an app registration, or of a managed identity.",
        "client_secret": "Azure: where the secret of the app registration is.",
        "service_account_key": "Google: where the JSON key of the service account is.",
        "workload_identity": "true: the login that the platform gives to this workload.",
    },
    "SettingsSection": {
        "name": "The installation's name; unset: the file's, or its folder's where it is rules.yaml.",
        "state": "The state file; or s3://, az:// or gs:// with bucket and prefix, for hosts to share.",
        "state_store": "How to reach, and log in to, the object store that state names.",
        "labels": "What iodcal fleet filters and sums up by, such as region: emea.",
        "window": "How far each run reads ahead.",
        "every": "The longest time between two runs, the timer's delay included.",
        "lead": _LEAD,
        "trail": _TRAIL,
        "min_gap": "The billing hour: a circuit is not lowered for less.",
        "verify_every": "How old a reading of a circuit may grow while nothing happens.",
        "on_drift": "report, or enforce: lower at once what somebody raised by hand.",
        "order_timeout": "When an accepted order is overdue.",
        "lost_answer_grace": "How long an order whose answer was lost is not sent again.",
        "max_unplanned_downs": "More lowerings that no run foresaw are stopped together.",
        "quota_reserve": "Changes of the day that lowerings leave for raises.",
        "orders": _ORDERS,
        "organizers": "Addresses and @domain entries whose events count; unset: everybody's.",
        "subjects": _SUBJECTS,
        "history_keep": "How long the months of history are kept.",
        "group": "A group whose members may look at state and history.",
        "holidays": _HOLIDAYS,
        "feed_file": "An iCalendar file of the planned changes, for people to subscribe to.",
        "metrics_file": "A file for Prometheus, in the folder of node_exporter's textfile collector.",
        "notify_within": "How long a run waits for all its notices together.",
        "runbook": "The address of your page for people on call: notices, page and help name it.",
        "zones": _ZONES,
    },
    "NotifySection": {
        "webhook": "Where the address of a webhook is, which is a secret.",
        "teams": "Where the address of a Microsoft Teams workflow is.",
        "ping": "Where the address of a watchdog is, such as Healthchecks: start, success, fail.",
        "apprise": "Where an address for Apprise is.",
        "template": "What a webhook gets: JSON with $names in it.",
        "authorization": "Where the text of a webhook's Authorization header is.",
        "kinds": "What to tell: change, problem, recovered, ready, late, daily.",
        "circuits": "Only of these circuits.",
        "sites": "Only of circuits at these sites.",
        "labels": "Only of circuits that have all of these labels.",
        "daily_at": "When the daily summary is told, in the configuration's zone.",
    },
    "Microsoft365": {
        "tenant_id": "The Directory (tenant) ID of the app registration.",
        "client_id": "The Application (client) ID of the app registration.",
        "client_secret": "Where the client secret is: its value, not its ID.",
        "certificate": "Where a PEM text with certificate and private key is.",
        "managed_identity": "true: log in as this machine, in Azure or Azure Arc.",
        "workload_identity": "true: log in by workload identity federation, as AKS and others inject it.",
        "cloud": "The tenant's cloud: sets the addresses of login and Graph together.",
        "authority": "Another address for the login.",
        "graph": "Another address for Microsoft Graph, with its version.",
        "must_not_read": "Mailboxes that the app must not be able to read: iodcal doctor tries each of them.",
    },
    "SiteSection": {
        "timezone": "The zone of the site's circuits.",
        "holidays": _HOLIDAYS,
        "labels": _LABELS,
    },
    "HolidaysSection": {
        "country": "A country, such as US.",
        "region": "A region of it, such as CO.",
        "dates": "Further days, or only these.",
    },
    "Kind": {
        "calendar": "The kind of calendar; only a plug-in's must be named.",
        "carrier": "The kind of carrier.",
    },
    "CalendarSection": {
        "site": "Its site, for rules with same_site.",
        "subjects": _SUBJECTS,
        "zones": _ZONES,
    },
    "GraphOptions": {
        "mailbox": "A mailbox, by its user principal name or object ID.",
        "mailboxes": "Several mailboxes: each is read, fails and is remembered on its own.",
        "calendar": "The name of a calendar in them, if it is not the default one.",
        "calendar_id": "The ID of a calendar in the mailbox, where two have one name.",
    },
    "IcsOptions": {
        "ics": "A path, an https URL, or a secret that holds one.",
        "private_network": "true: the URL may lead into a private network.",
        "user_agent": "What iodcal calls itself at the URL's server.",
    },
    "GraphJsonOptions": {"graph_json": "A saved answer of calendarView, or its pages in order."},
    "StatusWords": {
        "active": "Words of a circuit at rest.",
        "pending": "Words of a circuit whose change is under way.",
    },
    "CarrierSection": {
        "provisioning": "How long the carrier takes for a change.",
        "changes_per_day": "How many changes a UTC day it allows an account.",
        "changes_per_circuit": "How often one circuit may be changed: 1 in 5m, 100 a month; []: any number.",
        "status_words": "What its words for a status mean that iodcal does not know.",
        "rates": _RATES,
        "currency": _CURRENCY,
        "billing": "minute, hour (every hour begun), day (its highest tier), or change_day (its last tier).",
        "usage": _USAGE,
    },
    "MegaportOptions": {
        "environment": "production or staging: there is no default.",
        "client_id": "Where the API key is.",
        "client_secret": "Where the API key's secret is.",
        "company": "The company's UID: circuits of others are not touched.",
        "base_url": "Another address, for a local server.",
        "token_url": "Another address of the login, for a local server.",
        "grant_in": "Where the login takes the kind of grant: query or body.",
    },
    "LumenOptions": {
        **_LUMEN_LOGIN,
        "contact": "Whom Lumen tells of an order.",
        "source_system": "What Lumen wants as sourceSystem.",
        "partner_id": f"The data centre's partner, {_BY_SERVICE}",
        "uni_service_id": f"The service ID of the customer port, {_BY_SERVICE}",
        "billing_account_name": f"The name of the billing account, {_BY_SERVICE}",
        "speed_text": "By tier, the text that stands for it in quotes and answers.",
    },
    "LumenEfcOptions": {
        **_LUMEN_LOGIN,
        "category": f"The price category (csp, datacenter, metro, longhaul), {_BY_SERVICE}",
    },
    "Contact": {
        "name": "First and last name.",
        "email": "The e-mail address.",
        "phone": "A US phone number such as +13035550100.",
        "organization": "The company.",
    },
    "SandboxOptions": {
        "file": "The file that the sandbox lives in.",
        "starts_at": "Where a circuit stands that it has not met yet.",
        "tiers": "What it sells; unset: anything.",
        "unknown": "Service IDs that it says it does not know.",
    },
    "BaselineSection": {
        "off_peak": "The bandwidth outside of the peaks.",
        "peaks": "Recurring times of more bandwidth; where they overlap, the highest counts.",
        "lead": "How long before they begin peaks are ordered; unset: the carrier's provisioning.",
    },
    "PeakSection": {
        "days": "Days such as mon-fri or [sat, sun].",
        "business_days": "Business days of the month: 1 is the first, -1 the last.",
        "holidays": "as_sunday: a holiday counts as a Sunday among days; or ignored.",
        "from": "When it begins, in the circuit's zone.",
        "to": "When it ends; not after `from`: on the next day. 24:00 is allowed.",
        "bandwidth": "The bandwidth.",
        "lead": "How long before `from` it is ordered; unset: that of the baseline.",
    },
    "DefaultsSection": {"circuit": "What holds for every circuit that does not say otherwise."},
    "CircuitSection": {
        "site": "Where it is.",
        "timezone": "Its zone, if it is not that of its site.",
        "service_id": "The carrier's name of the circuit, in quotes.",
        "carrier": "Its carrier, by name.",
        "tiers": "The bandwidths that the carrier sells on it.",
        "baseline": "Its recurring schedule, by name or inline.",
        "floor": "Never below this.",
        "ceiling": "Never above this.",
        "holidays": _HOLIDAYS,
        "labels": _LABELS,
        "rates": _RATES,
        "currency": _CURRENCY,
        "max_price_per_hour": _MAX_PRICE,
        "orders": _ORDERS,
        "usage": _USAGE,
    },
    "RuleSection": {
        "name": "A name that no other rule has.",
        "calendars": "The calendars whose events it looks at.",
        "match": "Conditions, all of which must hold; without them every event matches.",
        "circuits": "Names, all, same_site (as the calendar), or named_in_event.",
        "bandwidth": "A rate, highest, or from_event: what the group `bandwidth` of subject_regex finds.",
        "mode": "at_least; exactly: this bandwidth, even if it is lower; freeze: no lowering meanwhile.",
        "labels": _LABELS,
        "allow": "For freeze: ups (the default) still raises, none orders nothing at all.",
        "max_price_per_hour": _MAX_PRICE,
        "priority": "From -99 to 99: an exactly rule overrules rules of lower priority.",
        "lead": _LEAD,
        "trail": _TRAIL,
        "longest": "The longest that one event asks for bandwidth, lead and trail included; unset: no end.",
    },
    "NamedInEvent": {
        "named_in_event": "Those of these circuits that the event names; names, all, or same_site.",
    },
}


DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OR_FILLED_IN = f"|{FILLED_IN['pattern']}"  # a value may be; a key never is


def configuration_schema(kinds: Mapping[str, Iterable[str]] | None = None) -> Json:
    """The schema of the whole file, with the kinds of calendars and carriers that are installed here, or
    with `kinds` by the group of their entry points. Raises ConfigurationError for one that does not load."""
    given = kinds or {group: known_kinds(group) for group in (CALENDARS, CARRIERS)}
    here = {group: sorted(of_group) for group, of_group in given.items()}
    definitions: Json = {}
    file = _of_section(File, definitions)
    properties = file["properties"]
    properties["calendars"]["additionalProperties"] = {
        "anyOf": [*_calendars(here[CALENDARS], definitions), _foreign(here[CALENDARS])]
    }
    properties["carriers"]["additionalProperties"] = {
        "anyOf": [*_carriers(here[CARRIERS], definitions), _foreign(here[CARRIERS])]
    }
    return {
        "$schema": DIALECT,
        "title": "The configuration of iodcal",
        **file,
        "patternProperties": {"^x-": {"description": "Yours: iodcal does not look at it."}},
        "$defs": dict(sorted(definitions.items())),
    }


def _calendars(kinds: Iterable[str], definitions: Json) -> Iterator[Json]:
    """One schema for each way to say what a calendar is."""
    for kind in kinds:
        plugin = _plugin(CALENDARS, kind)
        made = _merged(_of_section(CalendarSection, definitions), _of_section(plugin.Options, definitions))
        made["properties"]["type"] = {"const": kind, "description": KEYS["Kind"]["calendar"]}
        named = [key for key, named_kind in KIND_BY_KEY.items() if named_kind == kind]
        if named:
            made.pop("required", None)
            made["anyOf"] = [{"required": [key]} for key in named]
        else:
            made["required"] = ["type", *made.get("required", [])]
        yield made


def _carriers(kinds: Iterable[str], definitions: Json) -> Iterator[Json]:
    for kind in kinds:
        plugin = _plugin(CARRIERS, kind)
        made = _merged(_of_section(CarrierSection, definitions), _of_section(plugin.Options, definitions))
        made["properties"]["type"] = {"const": kind, "description": KEYS["Kind"]["carrier"]}
        made["required"] = ["type", *made.get("required", [])]
        yield made


def _plugin(group: str, kind: str) -> Any:
    try:
        return load_plugin(group, kind)
    except ValueError as error:
        raise ConfigurationError((Fault(f"{group}.{kind}", str(error)),)) from None


def _foreign(kinds: Iterable[str]) -> Json:
    """A kind that is not installed where the schema was made: anything may stand there."""
    other = {"type": "string", "not": {"enum": sorted(kinds)}}
    return {"type": "object", "properties": {"type": other}, "required": ["type"]}


def _merged(common: Json, own: Json) -> Json:
    required = [*common.get("required", []), *own.get("required", [])]
    properties = {**common["properties"], **own["properties"]}
    return {**own, "properties": properties, **({"required": required} if required else {})}


def _of_section(section: type[Section], definitions: Json) -> Json:
    """The schema of `section`; those of the sections within it go to `definitions`."""
    described = KEYS.get(section.__name__, {})
    keys = keys_of(section)
    made = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: _of_key(key, described.get(name) or key.description, definitions)
            for name, key in keys.items()
        },
    }
    required = [name for name, key in keys.items() if key.required]
    return {**made, "required": required} if required else made


def _of_key(key: Key, description: str | None, definitions: Json) -> Json:
    made = dict(_of_form(key.form, definitions))
    if isinstance(key.form, Scalar) and key.default not in (None, frozenset()):
        made["default"] = key.form.written(key.default)
    return {**made, "description": description} if description else made


def _of_form(form: Form, definitions: Json) -> Json:
    match form:
        case Scalar():
            return form.shape
        case OptionalForm():  # a key that is not given is left out
            return _of_form(form.form, definitions)
        case ListForm():
            entry = _of_form(form.entry, definitions)
            return one_or_list(entry, least=form.least) if form.alone else {"type": "array", "items": entry}
        case MappingForm():
            pattern = _of_form(form.name, definitions).get("pattern", "").removesuffix(_OR_FILLED_IN)
            patterns = {"propertyNames": {"pattern": pattern}} if pattern else {}
            return {
                "type": "object",
                "additionalProperties": _of_form(form.value, definitions),
                **patterns,
            }
        case SectionForm():
            name = form.section.__name__
            definitions[name] = _of_section(form.section, definitions)
            return {"$ref": f"#/$defs/{name}"}
        case SectionOrForm():
            return {"anyOf": [_of_form(form.other, definitions), _of_form(form.nested, definitions)]}
