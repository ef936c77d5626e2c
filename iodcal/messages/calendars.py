"""Words for every fault of Microsoft Graph, of its login, and of a connection to a calendar."""

from __future__ import annotations

from collections.abc import Mapping

from iodcal.messages import Words

_GROUP = (
    "a Microsoft 365 group's calendar cannot be read by an application: use a shared mailbox, a room "
    "or a user's calendar in its place"
)
_AGAIN = "iodcal tries again in its next run"
_SUPPORT = (
    "Microsoft's support asks for request-id {request_id}, client-request-id {client_request_id}, {date}"
)
_LOGIN_IDS = "(correlation id {correlation_id}, {timestamp})"
_ENTRA = "in the Microsoft Entra admin centre"

PROXY: Mapping[str, Words] = {
    "proxy_login": Words(
        "the proxy {proxy} lets nobody through to {host} without a login of its own (status {status})",
        "put its user and password into HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT), or let NO_PROXY name "
        "{host} if it can be reached directly",
    ),
    "proxy_forbids": Words(
        "the proxy {proxy} forbids the way to {host} (status {status})",
        "ask whoever runs the proxy to allow {host}, port 443, or let NO_PROXY name it if it can be reached "
        "directly",
    ),
    "proxy_fails": Words(
        "the proxy {proxy} makes no connection to {host} (status {status})",
        f"check the address, and ask whoever runs the proxy; {_AGAIN}",
    ),
    "proxy_unreachable": Words(
        "the proxy {proxy}, through which {host} is asked, cannot be reached: {reason}",
        f"check HTTPS_PROXY, and that the proxy is there; {_AGAIN}",
    ),
}
"""A proxy's own refusals, which are nothing that the server behind it said."""

CONNECTION: Mapping[str, Words] = {
    "unreachable": Words(
        "{host} cannot be reached: {reason}",
        "check the network, the name server and, where there is a proxy, HTTPS_PROXY and NO_PROXY",
    ),
    **PROXY,
    "tls": Words(
        "the connection to {host} is not secure: {reason}",
        "where a proxy or a private authority signs, let REQUESTS_CA_BUNDLE name its certificate file",
    ),
    "timeout": Words("{host} did not answer in time", f"check the network; {_AGAIN}"),
    "too_slow": Words(
        "{host} had not answered in full after {seconds} seconds", f"check the network; {_AGAIN}"
    ),
    "deadline": Words(
        "the time for reading calendars ran out while {host} was asked",
        f"if it lasts, see with -v which calendar is slow, or let the timer run less often; {_AGAIN}",
    ),
    "plugin_failed": Words(
        "the plug-in {plugin} failed: {what}", "report it to whoever wrote it, or install another version"
    ),
    "too_large": Words(
        "the answer of {host} is larger than {limit} bytes",
        "check that the address is the calendar's own, or use a calendar with fewer events",
    ),
    "redirect": Words(
        "{host} points to another address, which is not followed",
        "a proxy or a sign-in page may stand in between: check HTTPS_PROXY and NO_PROXY; else configure the "
        "address that it points to, if you trust it",
    ),
    "truncated": Words("the answer of {host} breaks off", f"check the network; {_AGAIN}"),
    "insecure_url": Words(
        "the address at {host} is not an https one, so nothing was sent to it",
        "use an https address; plain http is only for this very machine",
    ),
    "untried": Words(
        "there was no time left to read it: others were slow",
        f"if it lasts, see with -v which calendar is slow, or let the timer run less often; {_AGAIN}",
    ),
    "not_json": Words(
        'the answer is not JSON but {content_type} (status {status}), and begins "{first_words}"',
        "a proxy or a sign-in page may stand in between: check HTTPS_PROXY, NO_PROXY and the address",
    ),
    "json_bounds": Words(
        "the answer of {host} is JSON of more than {limit} {what}, and was not read",
        "check that the address is the right one, and that nothing in between changes answers",
    ),
}
"""Faults that every calendar behind a network address may have."""

_ANSWERS: Mapping[str, Words] = {
    "answer_wrong": Words(
        "the answer is malformed: {property} should be {wanted} but is {found}",
        "please report this with the property's name; for a saved answer, save it again",
    ),
    "event_malformed": Words(
        "its {property} is not what Microsoft Graph's documentation says",
        "look at the event in its calendar, and please report this with the property's name",
    ),
    "event_zone_strange": Words(
        'its time stands in the zone "{found}", not in UTC, as was asked for',
        "save the event anew with a zone of the calendar's list; please report this with the zone's name",
    ),
    "not_expanded": Words(
        "the answer holds whole series ({property} is seriesMaster), not their single events",
        "read or save /calendarView, not /events",
    ),
    "link_foreign": Words(
        "the answer's next page lies on another server, which was not asked: the token would have gone there",
        "check the graph address in the microsoft365 section, and whether a proxy changes answers",
    ),
    "page_repeated": Words(
        "the server gives the same page again and again", f"{_AGAIN}; if it lasts, report it"
    ),
    "pages_endless": Words(
        "there are still more events after {pages} pages",
        "shorten settings.window, or use a calendar with fewer events",
    ),
}

_MAILBOXES: Mapping[str, Words] = {
    "access_denied": Words(
        "mailbox {mailbox}: access denied (status {status}, {graph_code})",
        "let an administrator consent to the application permission Calendars.Read, or add this mailbox to "
        "the scope of RBAC for Applications (or of the application access policy), and wait up to two hours",
    ),
    "mailbox_unknown": Words(
        "mailbox {mailbox}: the directory knows no such user (status {status}, {graph_code})",
        f"check the spelling, and that tenant_id is the user's tenant; {_GROUP}",
    ),
    "mailbox_missing": Words(
        "{mailbox} exists but has no mailbox (status {status}, {graph_code})",
        f"assign an Exchange Online licence, or name the mailbox that is meant; {_GROUP}",
    ),
    "mailbox_unusable": Words(
        "mailbox {mailbox}: no usable mailbox under this name (status {status}, {graph_code})",
        "use the user principal name or the object ID, not an alias; check tenant and licence; a new mailbox "
        f"takes a while; {_GROUP}",
    ),
    "mailbox_unsupported": Words(
        "mailbox {mailbox} is not one of Exchange Online (status {status}, {graph_code})",
        f"assign an Exchange Online licence, or migrate the mailbox if it is on premises; {_GROUP}",
    ),
    "mailbox_not_found": Words(
        "mailbox {mailbox} was not found (status {status}, {graph_code})",
        "check the user principal name or object ID, tenant_id and the mailbox's licence; grant "
        f"User.Read.All to learn more; {_GROUP}",
    ),
    "calendar_gone": Words(
        "mailbox {mailbox}: the calendar ({calendar}) is no longer there (status {status}, {graph_code})",
        f"check that the calendar still exists in this mailbox; {_GROUP}",
    ),
    "calendar_not_found": Words(
        "mailbox {mailbox} has no calendar named {calendar}; it has: {there}",
        "name a calendar of this mailbox, as it is spelt there; a shared one is read in its owner's mailbox",
    ),
    "calendar_ambiguous": Words(
        "mailbox {mailbox} has {count} calendars named {calendar}: {there}",
        "set calendar_id to the ID of the one that is meant (one that was deleted may "
        "stay for days), or rename "
        "the others",
    ),
    "mailbox_unopened": Words(
        "mailbox {mailbox} has no default calendar yet (status {status}, {graph_code})",
        "open the mailbox once in Outlook or Outlook on the web: its folders are made then",
    ),
    "mailbox_away": Words(
        "mailbox {mailbox} was not found (status {status}, {graph_code}), though it was "
        "read within the last hour",
        f"this often passes; {_AGAIN}; if it lasts, check that the mailbox and its licence are still there",
    ),
    "tenant_without_exchange": Words(
        "mailbox {mailbox}: the tenant that the login is for has no Exchange Online (status {status}, "
        "{graph_code})",
        "check that tenant_id is the tenant of the mailboxes, and that it has Exchange Online licences",
    ),
    "claims_required": Words(
        "mailbox {mailbox}: Microsoft Graph takes no token from here: a policy wants "
        "more of it (status {status}, "
        "{graph_code})",
        "let an administrator look at Conditional Access for workload identities and at continuous access "
        f"evaluation: this machine's address may have to be allowed; {_SUPPORT}",
    ),
    "answered_in_between": Words(
        "mailbox {mailbox}: not Microsoft Graph answers but something in between (status "
        "{status}, for {host})",
        "a proxy or a sign-in page stands in between and refuses: check HTTPS_PROXY and "
        "NO_PROXY, and let it pass "
        "this address",
    ),
    "application_throttled": Words(
        "Microsoft Graph takes no request from this application for now: it was asked too often",
        "iodcal waits for as long as Microsoft Graph asked; if it lasts, see what else "
        "uses the same application",
    ),
    "request_refused": Words(
        "mailbox {mailbox}: Microsoft Graph refuses the request (status {status}, {graph_code})",
        f"if settings.window is longer than a few years, shorten it; else please report this; {_SUPPORT}",
    ),
    "token_refused": Words(
        "mailbox {mailbox}: Microsoft Graph does not take the login's token (status {status}, {graph_code})",
        f"check this machine's clock, and that authority and graph belong to one cloud; {_SUPPORT}",
    ),
    "throttled": Words(
        "mailbox {mailbox}: Microsoft Graph is asked too often (status {status}, {graph_code})",
        f"{_AGAIN}; if it lasts, see what else reads this mailbox with the same application",
    ),
    "server_fault": Words(
        "mailbox {mailbox}: Microsoft Graph has a fault (status {status}, {graph_code})",
        f"{_AGAIN}; if it lasts, {_SUPPORT}",
    ),
    "status_unexpected": Words(
        "mailbox {mailbox}: an unexpected answer (status {status}, {graph_code})",
        f"check the graph address in the microsoft365 section; {_SUPPORT}",
    ),
}


def _refused(why: str) -> str:
    return f"the Microsoft login refuses: {why} ({{error}}, {{aadsts}}) {_LOGIN_IDS}"


_LOGIN: Mapping[str, Words] = {
    "login_secret_wrong": Words(
        _refused("the client secret is wrong"),
        "use the secret's value, not its ID; if it is lost, create a new one",
    ),
    "login_secret_expired": Words(
        _refused("the client secret has expired"),
        f"create a new one {_ENTRA}, or use a certificate",
    ),
    "login_secret_missing": Words(
        _refused("no client secret came along"),
        "check that client_secret or certificate is not empty",
    ),
    "login_app_unknown": Words(
        _refused("application {client_id} is not in tenant {tenant}"),
        "check client_id and tenant_id, and that an administrator has consented",
    ),
    "login_principal_missing": Words(
        _refused("tenant {tenant} has no enterprise application for {client_id}"),
        "let an administrator of the tenant consent to the application: that makes it",
    ),
    "login_app_disabled": Words(
        _refused("application {client_id} is disabled"),
        f"enable it under Enterprise applications {_ENTRA}",
    ),
    "login_tenant_unknown": Words(
        "the Microsoft login knows no tenant {tenant}",
        "check tenant_id in the microsoft365 section, and that cloud is the tenant's",
    ),
    "login_tenant_blocked": Words(
        _refused("tenant {tenant} is blocked"),
        "let an administrator of the tenant ask Microsoft why, and check tenant_id",
    ),
    "login_cloud_wrong": Words(
        _refused("tenant {tenant} is in another national cloud"),
        "set cloud in the microsoft365 section to global, us-gov, us-dod or china, whichever is the tenant's",
    ),
    "login_consent_missing": Words(
        _refused("application {client_id} has no permission"),
        "add the application permission Calendars.Read and let an administrator consent to it",
    ),
    "login_scope_wrong": Words(
        _refused("Microsoft Graph is not known there under this address"),
        "check cloud, authority and graph in the microsoft365 section: they must belong together",
    ),
    "login_certificate_unknown": Words(
        _refused("the certificate is not registered, or its registration has expired"),
        f"upload this certificate to application {{client_id}} {_ENTRA}",
    ),
    "login_certificate_expired": Words(
        _refused("the certificate is outside the time for which it is good, or not accepted"),
        f"make a new certificate and upload it to application {{client_id}} {_ENTRA}; "
        f"check this machine's clock",
    ),
    "login_certificate_revoked": Words(
        _refused("the certificate is revoked"),
        f"make a new certificate and upload it to application {{client_id}} {_ENTRA}",
    ),
    "login_clock_wrong": Words(
        _refused("the certificate's proof is from another time"),
        "set this machine's clock (NTP)",
    ),
    "login_federation_wrong": Words(
        _refused("no federated credential fits"),
        f"check issuer, subject and audience of the application's federated credentials {_ENTRA}",
    ),
    "login_blocked": Words(
        _refused("a policy (such as Conditional Access) blocks the application"),
        "let an administrator exclude the application, or allow this machine's address",
    ),
    "login_client_refused": Words(
        _refused("application {client_id} and its secret do not fit"),
        "check client_id, and client_secret or certificate, in the microsoft365 section",
    ),
    "login_refused": Words(
        _refused("no token for application {client_id} in tenant {tenant}"),
        "look up the AADSTS number at https://login.microsoftonline.com/error",
    ),
    "login_throttled": Words(
        "the Microsoft login is asked too often",
        f"{_AGAIN}; if it lasts, let the timer run less often",
    ),
    "login_passing": Words(_refused("it has trouble that passes"), _AGAIN),
    "login_unavailable": Words("the Microsoft login at {host} has a fault (status {status})", _AGAIN),
    "login_answer_wrong": Words(
        'the Microsoft login at {host} gives no login answer (status {status}), but "{first_words}"',
        "a proxy or a sign-in page may stand in between: check HTTPS_PROXY, NO_PROXY, and the microsoft365 "
        "section's authority",
    ),
    "login_secret_empty": Words(
        "the secret for the Microsoft login is empty ({reference})",
        "put the secret there, or let client_secret or certificate name another place",
    ),
    "login_secret_env_missing": Words(
        "the secret for the Microsoft login is not in the environment ({reference})",
        "set this variable where iodcal runs: cron and systemd do not read a shell's profile",
    ),
    "login_secret_no_credentials": Words(
        "the secret for the Microsoft login is not there ({reference}): systemd has passed no credentials",
        "add LoadCredential= to the unit, or use {{env: NAME}} or {{file: path}} outside of systemd",
    ),
    "login_secret_unreadable": Words(
        "the secret for the Microsoft login cannot be read ({reference}): {reason}",
        "check the path, and that the user that iodcal runs as may read it",
    ),
    "login_secret_command_untrusted": Words(
        "the command for the secret of the Microsoft login was not run: others can write the configuration",
        "let only root or yourself own and write the configuration file (chmod go-w)",
    ),
    "login_secret_command_failed": Words(
        "the command for the secret of the Microsoft login failed: {reason}",
        "run the command by hand, as the user that iodcal runs as",
    ),
    "login_certificate_wrong": Words(
        "the certificate for the Microsoft login cannot be used: {reason}",
        "use one PEM text with the certificate and its private key (RSA, not encrypted)",
    ),
    "login_settings_wrong": Words(
        "the Microsoft login at {authority} cannot be used with these settings",
        "check tenant_id, client_id, cloud and authority (an https address) in the microsoft365 section",
    ),
    "login_identity_unreachable": Words(
        "this machine has no managed identity: its address does not answer",
        "use managed_identity only on a machine in Azure or Azure Arc that has one; else use a client secret",
    ),
    "login_identity_key": Words(
        "Azure Arc's key file {file} cannot be read: {reason}",
        "add the user that iodcal runs as to the group himds, and start it anew",
    ),
    "login_workload_missing": Words(
        "there is no workload identity here: {missing} is not set",
        "let the platform (such as AKS with workload identity) inject it, or set it in "
        "the environment or, for "
        "tenant_id and client_id, in the microsoft365 section",
    ),
    "login_workload_file": Words(
        "the workload's token file {file} cannot be used: {reason}",
        "check that AZURE_FEDERATED_TOKEN_FILE names the file that the platform writes, "
        "and that it may be read",
    ),
    "login_identity_wrong": Words(
        "this machine's managed identity gives no token ({error})",
        "check that the identity is assigned to this machine, and client_id in the microsoft365 section",
    ),
}

CALENDARS: Mapping[str, Words] = {**CONNECTION, **_ANSWERS, **_MAILBOXES, **_LOGIN}
"""By the code of the CalendarError."""
