"""Opaque S/MIME signatures: their text is shown, unchecked; nothing that claims to be one does harm."""

from __future__ import annotations

import base64
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.mime import Mail, parse_mail
from channels.email.opaque import DEPTH, signed_content

INNER = b"Content-Type: text/plain; charset=utf-8\r\n\r\nEl pedido lleg\xc3\xb3 roto.\r\n"


def _signed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Carla")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(INNER).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])


SIGNED = _signed()


def _tlv(tag: int, value: bytes, *, indefinite: bool = False) -> bytes:
    if indefinite:
        return bytes((tag, 0x80)) + value + b"\0\0"
    length = len(value)
    size = bytes((length,)) if length < 128 else b"\x84" + length.to_bytes(4, "big")
    return bytes((tag,)) + size + value


def _streamed(content: bytes, *, depth: int = 1) -> bytes:
    """As OpenSSL streams it: every length indefinite, the content in pieces."""
    half = len(content) // 2
    octets = _tlv(0x04, content[:half]) + _tlv(0x04, content[half:])
    for _ in range(depth):
        octets = _tlv(0x24, octets, indefinite=True)
    data = _tlv(0x06, bytes.fromhex("2a864886f70d010701")) + _tlv(0xA0, octets, indefinite=True)
    inside = _tlv(0x02, b"\1") + _tlv(0x31, b"", indefinite=True) + _tlv(0x30, data, indefinite=True)
    signed = _tlv(0xA0, _tlv(0x30, inside, indefinite=True), indefinite=True)
    return _tlv(0x30, _tlv(0x06, bytes.fromhex("2a864886f70d010702")) + signed, indefinite=True)


def _mail(envelope: bytes, kind: str = "; smime-type=signed-data") -> Mail:
    head = (
        "From: carla@example.org\nTo: ayuda@lumbre.example\nSubject: x\nMessage-ID: <s@x>\nMIME-Version: 1.0\n"
        f"Content-Type: application/pkcs7-mime{kind}; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n"
    )
    mail = parse_mail(head.encode() + base64.encodebytes(envelope))
    assert isinstance(mail, Mail)
    return mail


@pytest.mark.parametrize("envelope", [SIGNED, _streamed(INNER), _streamed(INNER, depth=DEPTH)])
@pytest.mark.parametrize("kind", ["; smime-type=signed-data", ""])
def test_the_text_inside_is_shown_and_marked_as_not_checked(envelope: bytes, kind: str) -> None:
    mail = _mail(envelope, kind)
    assert mail.text.strip() == "El pedido llegó roto."
    assert mail.protection == ("smime-signed",)
    assert "the text stands in an S/MIME signature, which was not checked" in mail.notes
    assert [part.name for part in mail.parts] == ["smime.p7m"]


def test_what_openssl_signs_is_read(tmp_path: Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl here; the same form is tested above")
    (tmp_path / "inner").write_bytes(INNER)
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out cert -subj /CN=x -days 1"
    sign = "cms -sign -nodetach -stream -outform DER -binary -in inner -signer cert -inkey key -out signed"
    for arguments in (make, sign):
        subprocess.run([program, *arguments.split()], cwd=tmp_path, check=True, capture_output=True)
    assert signed_content((tmp_path / "signed").read_bytes()) == INNER


def test_signatures_within_signatures_end() -> None:
    envelope = INNER
    for _ in range(5):
        head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: binary\n\n"
        envelope = head + _streamed(envelope)
    mail = _mail(envelope.partition(b"\n\n")[2])
    assert mail.protection
    assert "roto" not in mail.text


@pytest.mark.parametrize(
    "envelope",
    [b"", b"\x30\x80", b"\x30" * 5_000, _streamed(INNER, depth=DEPTH + 1), SIGNED[:60]],
    ids=["empty", "no_length", "sequences", "too_deep", "cut_off"],  # a signature is another one in each process
)
def test_what_cannot_be_had_is_kept_as_it_came(envelope: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        signed_content(envelope)
    mail = _mail(envelope)
    assert mail.protection == ("smime-signed",)


def test_an_encrypted_mail_stays_closed() -> None:
    enveloped = _tlv(0x30, _tlv(0x06, bytes.fromhex("2a864886f70d010703")) + _tlv(0xA0, b"\x30\x00"))
    mail = _mail(enveloped, "; smime-type=enveloped-data")
    assert (mail.text, mail.protection) == ("", ("smime-encrypted",))


@settings(max_examples=150, deadline=20_000)
@given(st.data())
def test_a_damaged_envelope_does_no_harm(data: st.DataObject) -> None:
    envelope = bytearray(data.draw(st.sampled_from([SIGNED, _streamed(INNER, depth=3)])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(envelope) - 1))
        envelope[at] = data.draw(st.integers(0, 255))
    del envelope[data.draw(st.integers(1, len(envelope))) :]
    try:
        content = signed_content(bytes(envelope))
    except ValueError:
        return
    assert len(content) <= len(envelope)
