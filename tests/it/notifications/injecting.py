"""A mail server whose consent to STARTTLS is followed by more answers in clear, as somebody on the
way could add them. Whoever begins to encrypt all the same is told by the file `fooled`.

Arguments: port, folder. It ends with the process that started it.
"""
import pathlib
import socket
import ssl
import sys

import trustme

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
authority = trustme.CA()
authority.cert_pem.write_to_path(str(folder / "ca.pem"))
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
authority.issue_cert("127.0.0.1").configure_cert(context)

listener = socket.create_server(("127.0.0.1", port))
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    try:
        connection.sendall(b"220 here\r\n")
        connection.recv(1024)
        connection.sendall(b"250-here\r\n250 STARTTLS\r\n")
        connection.recv(1024)
        connection.sendall(b"220 go on\r\n250-here\r\n250 AUTH PLAIN LOGIN\r\n")
        context.wrap_socket(connection, server_side=True)
        (folder / "fooled").touch()
    except OSError:
        pass
    finally:
        connection.close()
