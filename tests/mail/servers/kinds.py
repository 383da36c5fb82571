"""Postfix, Exim and OpenSMTPD, each set up to do the same: take letters, refuse `nobody`, pass the rest on."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from coalition.config import Relay, Security
from tests.certificates import CertFiles
from tests.mail.servers.private import UNPACKED, Private

SIZE = 60_000  # bytes that a letter may have
USER, PASSWORD = "ada", "secret"
_PASSWORD_HASH = "$6$coalition$QUyjktsuxzpxkyqHeraz/THIrKkGtFogLnB8VTcMsOkXrSpNf.Jfa.26n0Y46isIkXuErNxi1h4TX/2jYEDE5."


@dataclass(frozen=True)
class Setup:
    """Where a server listens and passes letters on to, and how it proves who it is."""

    port: int
    tls_port: int  # with TLS from the first byte
    next_port: int
    certificates: CertFiles
    auth: str = "PLAIN LOGIN"

    def relay(self, security: Security = Security.PLAIN, *, signed_in: bool = False) -> Relay:
        """How a client finds it and trusts it."""
        port = self.tls_port if security is Security.TLS else self.port
        relay = Relay(security, "127.0.0.1", port, ca_file=self.certificates.ca, helo="lists.example.org")
        return replace(relay, user=USER, password=PASSWORD) if signed_in else relay


class Exim:
    """Debian's small Exim."""

    program = UNPACKED / "usr/sbin/exim4"
    speaks_tls = signs_in = True
    pipelines = True

    def start(self, private: Private, setup: Setup) -> None:
        """Run it in the foreground."""
        private.add_user("Debian-exim", 64001)
        certificate, key = _certificates(private, setup, 64001)
        (private.etc / "exim4").mkdir(exist_ok=True)
        pipelining = "*" if self.pipelines else ""
        (private.etc / "exim4/exim4.conf").write_text(
            _EXIM.format(
                program=private.inside(self.program),
                setup=setup,
                size=SIZE,
                certificate=certificate,
                key=key,
                pipelining=pipelining,
                sign_in="".join(_EXIM_SIGN_IN[each] for each in setup.auth.split()),
            )
        )
        for name in ("spool/exim4", "log/exim4"):
            (private.var / name).mkdir()
            shutil.chown(private.var / name, 64001, 64001)
        private.start([private.inside(self.program), "-bdf"], setup.port)


class EximOneByOne(Exim):
    """The same without PIPELINING."""

    pipelines = False


class OpenSmtpd:
    """Debian 12's OpenSMTPD, which knows no PIPELINING.

    It offers TLS and breaks off every handshake: it keeps its key in a process of its own, and OpenSSL 3 no longer asks
    there ("missing private key" in its log, with RSA and ECDSA).
    """

    program = UNPACKED / "usr/sbin/smtpd"
    speaks_tls = signs_in = False
    pipelines = False

    def start(self, private: Private, setup: Setup) -> None:
        """Run it in the foreground."""
        private.add_user("opensmtpd", 64001)
        private.add_user("opensmtpq", 64002)
        certificate, key = _certificates(private, setup, 0)
        (private.etc / "mailname").write_text("relay.test\n")
        (private.etc / "smtpd.conf").write_text(
            _OPENSMTPD.format(setup=setup, size=SIZE, certificate=certificate, key=key, user=USER, hash=_PASSWORD_HASH)
        )
        for name in ("lib/opensmtpd/empty", "empty"):
            (private.var / name).mkdir(parents=True)
        private.start([private.inside(self.program), "-d"], setup.port, over={UNPACKED / "usr/libexec": "/usr/libexec"})


class Postfix:
    """Debian's Postfix, as it is installed."""

    program = Path("/usr/sbin/postfix")
    speaks_tls = True
    signs_in = False  # it leaves that to Dovecot or Cyrus
    pipelines = True

    def start(self, private: Private, setup: Setup) -> None:
        """Run it in the foreground."""
        certificate, key = _certificates(private, setup, 0)
        discard = "" if self.pipelines else "pipelining"
        (private.etc / "postfix/main.cf").write_text(
            _POSTFIX.format(setup=setup, size=SIZE, certificate=certificate, key=key, discard=discard)
        )
        (private.etc / "postfix/master.cf").write_text(_POSTFIX_MASTER.format(setup=setup))
        for name in ("spool/postfix", "lib/postfix"):
            (private.var / name).mkdir()
        shutil.chown(private.var / "lib/postfix", "postfix")
        private.start([self.program, "start-fg"], setup.port)


class PostfixOneByOne(Postfix):
    """The same without PIPELINING."""

    pipelines = False


KINDS = {kind.__name__: kind for kind in (Postfix, PostfixOneByOne, Exim, EximOneByOne, OpenSmtpd)}


def _certificates(private: Private, setup: Setup, owner: int) -> tuple[str, str]:
    """Where the server finds its certificate and key."""
    for name, source in (("relay.crt", setup.certificates.certificate), ("relay.key", setup.certificates.key)):
        shutil.copy(source, private.etc / name)
        (private.etc / name).chmod(0o600)
        shutil.chown(private.etc / name, owner, owner)
    return "/etc/relay.crt", "/etc/relay.key"


_EXIM = """\
primary_hostname = relay.test
exim_path = {program}
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
keep_environment =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {setup.port} : {setup.tls_port}
tls_on_connect_ports = {setup.tls_port}
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
auth_advertise_hosts = ${{if def:tls_in_cipher {{*}}}}
pipelining_advertise_hosts = {pipelining}
pipelining_connect_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
message_size_limit = {size}
acl_smtp_rcpt = recipients
begin acl
recipients:
  deny local_parts = nobody
       message = 5.1.1 nobody of that name
  accept
begin routers
on:
  driver = manualroute
  route_list = * 127.0.0.1 byname
  self = send
  transport = on
begin transports
on:
  driver = smtp
  port = {setup.next_port}
  hosts_avoid_tls = *
  allow_localhost
begin authenticators
{sign_in}
"""

_EXIM_SIGN_IN = {
    "PLAIN": """\
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{ada}}{eq{$auth3}{secret}}}}
""",
    "LOGIN": """\
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if and{{eq{$auth1}{ada}}{eq{$auth2}{secret}}}}
""",
}

_OPENSMTPD = """\
pki "relay.test" cert "{certificate}"
pki "relay.test" key "{key}"
table people {{ "{user}" = "{hash}" }}
smtp max-message-size "{size}"
listen on 127.0.0.1 port {setup.port} tls pki "relay.test" auth-optional <people> hostname "relay.test"
listen on 127.0.0.1 port {setup.tls_port} smtps pki "relay.test" auth-optional <people> hostname "relay.test"
action "pass" relay host "smtp://127.0.0.1:{setup.next_port}"
match from any for rcpt-to regex "^nobody@" reject
match from any for any action "pass"
"""

_POSTFIX = """\
compatibility_level = 3.6
myhostname = relay.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file = /var/log/mail.log
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_discard_ehlo_keywords = {discard}
smtpd_recipient_restrictions =
    check_recipient_access inline:{{ {{ nobody@ = 550 5.1.1 nobody of that name }} }} permit_mynetworks reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
message_size_limit = {size}
relayhost = [127.0.0.1]:{setup.next_port}
smtp_host_lookup = native
disable_dns_lookups = yes
"""

_POSTFIX_MASTER = """\
127.0.0.1:{setup.port} inet n - n - - smtpd
127.0.0.1:{setup.tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
