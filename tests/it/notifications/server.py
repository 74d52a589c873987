"""A real mail server for one test: STARTTLS and a login are required, mails become files.

Arguments: port, folder, name, password. It ends when its standard input does.
"""
import pathlib
import ssl
import sys

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

port, folder, name, password = int(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]

authority = trustme.CA()
authority.cert_pem.write_to_path(str(folder / "ca.pem"))
trustme.CA().cert_pem.write_to_path(str(folder / "stranger.pem"))
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
authority.issue_cert("127.0.0.1").configure_cert(context)


class Keep:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        assert session.ssl is not None and session.authenticated
        Keep.count += 1
        part = folder / f"{Keep.count}.part"
        part.write_bytes(envelope.original_content)
        part.rename(folder / f"{Keep.count}.mail")
        return "250 taken"


def log_in(server, session, envelope, mechanism, data):
    is_known = data.login == name.encode() and data.password == password.encode()
    return AuthResult(success=is_known, handled=is_known)


controller = Controller(
    Keep(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True,
    auth_required=True, authenticator=log_in,
)
controller.start()
print("ready", flush=True)
sys.stdin.read()
controller.stop()
