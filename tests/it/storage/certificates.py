"""Certificates for a server at 127.0.0.1: ca.pem, server.crt and server.key, and stranger.pem of another
authority, in the folder that is named.
"""
import pathlib
import sys

import trustme

folder = pathlib.Path(sys.argv[1])
authority = trustme.CA()
authority.cert_pem.write_to_path(str(folder / "ca.pem"))
trustme.CA().cert_pem.write_to_path(str(folder / "stranger.pem"))
server = authority.issue_cert("127.0.0.1")
server.private_key_pem.write_to_path(str(folder / "server.key"))
server.cert_chain_pems[0].write_to_path(str(folder / "server.crt"))
