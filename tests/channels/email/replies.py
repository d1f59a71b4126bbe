"""Replies as the great clients write them, in many languages, with what their writers wrote in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Reply:
    """A body as text, as HTML or as both, and the writer's own words in it. `source`: whose habit it is."""

    name: str
    own: str
    text: str = ""
    html: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Tongue:
    """What clients and people write in one language. `{w}` stands for the quoted writer, with the address."""

    own: str
    gmail: str
    apple: str
    labels: tuple[str, str, str, str]
    divider: str
    sent_from: str
    closing: str
    quoted: str = "Dear customer, your order 44 was sent yesterday.\nWhich colour did you want?"


W = "Shop <help@shop.example>"
TONGUES = {
    "en": Tongue(
        "The blue one, please.\nWhen will it come?",
        "On Mon, Nov 20, 2023 at 10:00 AM {w} wrote:",
        "On 20 Nov 2023, at 10:00, {w} wrote:",
        ("From", "Sent", "To", "Subject"),
        "Original Message",
        "Sent from my iPhone",
        "Best regards,",
    ),
    "es": Tongue(
        "El azul, por favor.\n¿Cuándo llega?",
        "El lun, 20 nov 2023 a las 10:00, {w} escribió:",
        "El 20 nov 2023, a las 10:00, {w} escribió:",
        ("De", "Enviado el", "Para", "Asunto"),
        "Mensaje original",
        "Enviado desde mi iPhone",
        "Un saludo,",
    ),
    "de": Tongue(
        "Das blaue, bitte.\nWann kommt es?",
        "Am Mo., 20. Nov. 2023 um 10:00 Uhr schrieb {w}:",
        "Am 20.11.2023 um 10:00 schrieb {w}:",
        ("Von", "Gesendet", "An", "Betreff"),
        "Ursprüngliche Nachricht",
        "Von meinem iPhone gesendet",
        "Mit freundlichen Grüßen",
    ),
    "fr": Tongue(
        "Le bleu, merci de me dire.\nQuand arrive-t-il ?",
        "Le lun. 20 nov. 2023 à 10:00, {w} a écrit :",
        "Le 20 nov. 2023 à 10:00, {w} a écrit :",
        ("De ", "Envoyé ", "À ", "Objet "),
        "Message d'origine",
        "Envoyé de mon iPhone",
        "Cordialement,",
    ),
    "it": Tongue(
        "Quello blu, per favore.\nQuando arriva?",
        "Il giorno lun 20 nov 2023 alle ore 10:00 {w} ha scritto:",
        "Il giorno 20 nov 2023, alle ore 10:00, {w} ha scritto:",
        ("Da", "Inviato", "A", "Oggetto"),
        "Messaggio originale",
        "Inviato da iPhone",
        "Cordiali saluti",
    ),
    "pt": Tongue(
        "O azul, por favor.\nQuando chega?",
        "Em seg., 20 de nov. de 2023 às 10:00, {w} escreveu:",
        "Em 20 de nov. de 2023, à(s) 10:00, {w} escreveu:",
        ("De", "Enviada em", "Para", "Assunto"),
        "Mensagem original",
        "Enviado do meu iPhone",
        "Atenciosamente,",
    ),
    "ca": Tongue(
        "El blau, si us plau.\nQuan arriba?",
        "Missatge de {w} del dia dl., 20 de nov. 2023 a les 10:00:",
        "El 20 nov 2023, a les 10:00, {w} va escriure:",
        ("De", "Enviat", "Per a", "Assumpte"),
        "Missatge original",
        "Enviat des del meu iPhone",
        "Salutacions,",
    ),
    "nl": Tongue(
        "De blauwe, graag.\nWanneer komt hij?",
        "Op ma 20 nov 2023 om 10:00 schreef {w}:",
        "Op 20 nov 2023, om 10:00 heeft {w} het volgende geschreven:",
        ("Van", "Verzonden", "Aan", "Onderwerp"),
        "Oorspronkelijk bericht",
        "Verstuurd vanaf mijn iPhone",
        "Met vriendelijke groet,",
    ),
    "sv": Tongue(
        "Den blå, tack så mycket.\nNär kommer den?",
        "Den mån 20 nov. 2023 kl 10:00 skrev {w}:",
        "20 nov. 2023 kl. 10:00 skrev {w}:",
        ("Från", "Skickat", "Till", "Ämne"),
        "Ursprungligt meddelande",
        "Skickat från min iPhone",
        "Med vänliga hälsningar",
    ),
    "da": Tongue(
        "Den blå, selvfølgelig.\nHvornår kommer den?",
        "Den man. 20. nov. 2023 kl. 10.00 skrev {w}:",
        "Den 20. nov. 2023 kl. 10.00 skrev {w}:",
        ("Fra", "Sendt", "Til", "Emne"),
        "Oprindelig meddelelse",
        "Sendt fra min iPhone",
        "Med venlig hilsen",
    ),
    "nb": Tongue(
        "Den blå, er du snill.\nNår kommer den?",
        "man. 20. nov. 2023 kl. 10:00 skrev {w}:",
        "20. nov. 2023 kl. 10:00 skrev {w}:",
        ("Fra", "Sendt", "Til", "Emne"),
        "Opprinnelig melding",
        "Sendt fra min iPhone",
        "Vennlig hilsen",
    ),
    "fi": Tongue(
        "Sininen, kiitos vain.\nMilloin se tulee?",
        "ma 20. marrask. 2023 klo 10.00 {w} kirjoitti:",
        "{w} kirjoitti 20.11.2023 kello 10.00:",
        ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
        "Alkuperäinen viesti",
        "Lähetetty iPhonesta",
        "Ystävällisin terveisin",
    ),
    "pl": Tongue(
        "Niebieski proszę.\nKiedy przyjdzie?",
        "pon., 20 lis 2023 o 10:00 {w} napisał(a):",
        "Wiadomość napisana przez {w} w dniu 20.11.2023, o godz. 10:00:",
        ("Od", "Wysłano", "Do", "Temat"),
        "Wiadomość oryginalna",
        "Wysłane z iPhone'a",
        "Z poważaniem",
    ),
    "cs": Tongue(
        "Ten modrý, prosím.\nKdy přijde?",
        "po 20. 11. 2023 v 10:00 odesílatel {w} napsal:",
        "20. 11. 2023 v 10:00, {w}:",
        ("Od", "Odesláno", "Komu", "Předmět"),
        "Původní zpráva",
        "Odesláno z iPhonu",
        "S pozdravem",
    ),
    "hu": Tongue(
        "A kéket kérem szépen.\nMikor jön meg?",
        "{w} ezt írta (időpont: 2023. nov. 20., H, 10:00):",
        "2023. nov. 20. dátummal, 10:00 időpontban {w} írta:",
        ("Feladó", "Elküldve", "Címzett", "Tárgy"),
        "Eredeti üzenet",
        "Az iPhone-omról küldve",
        "Üdvözlettel,",
    ),
    "ro": Tongue(
        "Cel albastru, vă rog.\nCând ajunge?",
        "În lun., 20 nov. 2023 la 10:00, {w} a scris:",
        "Pe 20 nov. 2023, la 10:00, {w} a scris:",
        ("De la", "Trimis", "Către", "Subiect"),
        "Mesaj original",
        "Trimis de pe iPhone",
        "Cu stimă,",
    ),
    "ru": Tongue(
        "Синий, пожалуйста.\nКогда он придёт?",
        "пн, 20 нояб. 2023 г. в 10:00, {w}:",
        "20 нояб. 2023 г., в 10:00, {w} написал(а):",
        ("От", "Отправлено", "Кому", "Тема"),
        "Исходное сообщение",
        "Отправлено с iPhone",
        "С уважением,",
    ),
    "uk": Tongue(
        "Синій, будь ласка.\nКоли він прийде?",
        "пн, 20 лист. 2023 р. о 10:00 {w} пише:",
        "20 лист. 2023 р. о 10:00 {w} написав(-ла):",
        ("Від", "Надіслано", "Кому", "Тема"),
        "Оригінальне повідомлення",
        "Надіслано з iPhone",
        "З повагою,",
    ),
    "tr": Tongue(
        "Mavi olan lütfen.\nNe zaman gelir?",
        "{w}, 20 Kas 2023 Pzt, 10:00 tarihinde şunu yazdı:",
        "{w} şunları yazdı (20 Kas 2023 10:00):",
        ("Kimden", "Gönderildi", "Kime", "Konu"),
        "Özgün İleti",
        "iPhone'umdan gönderildi",
        "Saygılarımla,",
    ),
    "el": Tongue(
        "Το μπλε, παρακαλώ.\nΠότε θα έρθει;",
        "Στις Δευ, 20 Νοε 2023 στις 10:00 π.μ., ο χρήστης {w} έγραψε:",
        "Στις 20 Νοε 2023, στις 10:00, ο χρήστης {w} έγραψε:",
        ("Από", "Στάλθηκε", "Προς", "Θέμα"),
        "Αρχικό μήνυμα",
        "Στάλθηκε από το iPhone μου",
        "Με εκτίμηση,",
    ),
    "ja": Tongue(
        "青いのをお願いしたいです。\nいつ届きますか。",
        "2023年11月20日(月) 10:00 {w}:",
        "2023/11/20 10:00、{w}のメール:",
        ("差出人", "送信日時", "宛先", "件名"),
        "元のメッセージ",
        "iPhoneから送信",
        "よろしくお願いします。",
    ),
    "zh": Tongue(
        "要蓝色的那个。\n什么时候到？",
        "{w} 于2023年11月20日周一 10:00写道：",
        "在 2023年11月20日，10:00，{w} 写道：",
        ("发件人", "发送时间", "收件人", "主题"),
        "原始邮件",
        "发自我的iPhone",
        "此致",
    ),
    "ko": Tongue(
        "파란색으로 부탁드려요.\n언제 오나요?",
        "2023년 11월 20일 (월) 오전 10:00, {w}님이 작성:",
        "2023. 11. 20. 오전 10:00, {w} 작성:",
        ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
        "원본 메시지",
        "나의 iPhone에서 보냄",
        "안부 전합니다",
    ),
    "he": Tongue(
        "את הכחול בבקשה.\nמתי זה מגיע?",
        "\u202b\u200fבתאריך יום ב׳, 20 בנוב׳ 2023 ב-10:00 מאת \u202a{w}\u202c\u200f:\u202c",
        "\u202bב-20 בנוב׳ 2023, בשעה 10:00, {w} כתב/ה:",
        ("מאת", "נשלח", "אל", "נושא"),
        "הודעה מקורית",
        "נשלח מה-iPhone שלי",
        "בברכה,",
    ),
    "ar": Tongue(
        "الأزرق من فضلك.\nمتى يصل؟",
        "في الاثنين، 20 نوفمبر 2023 في 10:00 ص تمت كتابة ما يلي بواسطة {w}:",
        "في 20 نوفمبر 2023، الساعة 10:00، كتب {w}:",
        ("من", "تاريخ", "إلى", "الموضوع"),
        "الرسالة الأصلية",
        "أرسلت من iPhone",
        "مع أطيب التحيات،",
    ),
    "vi": Tongue(
        "Cái màu xanh nhé.\nKhi nào tới?",
        "Vào Th 2, 20 thg 11, 2023 vào lúc 10:00 {w} đã viết:",
        "Vào 20 thg 11, 2023, lúc 10:00, {w} đã viết:",
        ("Từ", "Đã gửi", "Đến", "Chủ đề"),
        "Thư gốc",
        "Đã gửi từ iPhone của tôi",
        "Trân trọng,",
    ),
}


def _marked(text: str) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in text.split("\n"))


def _page(text: str) -> str:
    return "".join(f"<div>{escape(line) or '<br>'}</div>" for line in text.split("\n"))


def _wrapped(intro: str) -> str:
    """Gmail's plain text breaks the intro at 78 characters, mostly inside the address."""
    at = intro.find("<")
    return f"{intro[: at + 1]}\n{intro[at + 1 :]}" if at > 0 else intro


def _block(tongue: Tongue, *, bold: bool = False) -> str:
    star = "*" if bold else ""
    values = (W, "Monday, 20 November 2023 10:00", "Ana <ana@customer.example>", "Order 44")
    return "\n".join(f"{star}{label}:{star} {value}" for label, value in zip(tongue.labels, values, strict=True))


def replies() -> Iterator[Reply]:
    """All of them; names are unique."""
    for code, tongue in TONGUES.items():
        own, quoted = tongue.own, tongue.quoted
        gmail, apple = tongue.gmail.format(w=W), tongue.apple.format(w=W)
        yield Reply(f"{code}/gmail text", own, f"{own}\n\n{gmail}\n\n{_marked(quoted)}\n", source="Gmail")
        yield Reply(
            f"{code}/gmail text, wrapped", own, f"{own}\n\n{_wrapped(gmail)}\n\n{_marked(quoted)}\n", source="Gmail"
        )
        yield Reply(
            f"{code}/iphone",
            own,
            f"{own}\n\n{tongue.sent_from}\n\n> {apple}\n> \n{_marked(quoted)}\n",
            source="iOS Mail",
        )
        yield Reply(f"{code}/apple, not marked", own, f"{own}\n\n{apple}\n\n{quoted}\n", source="Apple Mail, iOS")
        yield Reply(
            f"{code}/outlook text",
            own,
            f"{own}\n\n{tongue.closing}\nAna Pérez\n\n{_block(tongue)}\n\n{quoted}\n",
            source="Outlook",
        )
        yield Reply(
            f"{code}/outlook, divider",
            own,
            f"{own}\n\n-----{tongue.divider}-----\n{_block(tongue)}\n\n{quoted}\n",
            source="Outlook 2003",
        )
        yield Reply(
            f"{code}/samsung",
            own,
            f"{own}\n\n-------- {tongue.divider} --------\n{_block(tongue)}\n\n{quoted}\n",
            source="Samsung Email",
        )
    for code in ("en", "es", "de", "fr", "pt", "ru", "ja"):
        yield from _clients(code, TONGUES[code])
    yield from _special()


def _clients(code: str, tongue: Tongue) -> Iterator[Reply]:
    """The clients' HTML."""
    own, quoted = tongue.own, tongue.quoted
    gmail, apple = escape(tongue.gmail.format(w=W)), escape(tongue.apple.format(w=W))
    mine, theirs = _page(own), _page(quoted)
    block = "".join(
        f"<b>{line.partition(':')[0]}:</b>{escape(line.partition(':')[2])}<br>" for line in _block(tongue).split("\n")
    )
    yield Reply(
        f"{code}/gmail html",
        own,
        f"{own}\n\n{tongue.gmail.format(w=W)}\n\n{_marked(quoted)}",
        f'<div dir="ltr">{mine}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{gmail}<br></div>'
        f'<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex">{theirs}</blockquote></div>',
        "Gmail",
    )
    yield Reply(
        f"{code}/gmail app with signature",
        own,
        html=f'<div dir="auto">{mine}</div><br clear="all"><div><div dir="ltr" class="gmail_signature" '
        f'data-smartmail="gmail_signature"><b>Ana Pérez</b><br>Tel. 600 000 000</div></div><br><div '
        f'class="gmail_quote '
        f'gmail_quote_container"><div dir="ltr" class="gmail_attr">{gmail}</div><blockquote '
        f'class="gmail_quote">{theirs}'
        "</blockquote></div>",
        source="Gmail",
    )
    yield Reply(
        f"{code}/outlook desktop",
        own,
        html='<html><body lang="EN"><div class="WordSection1">'
        + "".join(f'<p class="MsoNormal">{escape(line)}<o:p></o:p></p>' for line in own.split("\n"))
        + '<p class="MsoNormal"><o:p>&nbsp;</o:p></p><div><div style="border:none;border-top:solid #E1E1E1 '
        "1.0pt;padding:3.0pt "
        f'0in 0in 0in"><p class="MsoNormal">{block}</p></div></div><p class="MsoNormal">{escape(quoted)}</p>'
        f"</div></body></html>",
        source="Outlook 2016 and later",
    )
    yield Reply(
        f"{code}/outlook web",
        own,
        html=f'<div style="font-family: Calibri">{mine}</div><div id="appendonsend"></div><hr '
        f'style="display:inline-block;'
        f'width:98%"><div id="divRplyFwdMsg" dir="ltr"><font>{block}</font></div>{theirs}',
        source="Outlook on the web",
    )
    yield Reply(
        f"{code}/outlook mobile",
        own,
        html=f'<div>{mine}</div><div id="ms-outlook-mobile-body-separator-line"><br></div><div '
        f'id="ms-outlook-mobile-signature">'
        f'{escape(tongue.sent_from)}</div><hr><div id="mail-editor-reference-message-container"><div>'
        f"{block}</div>{theirs}</div>",
        source="Outlook for iOS and Android",
    )
    yield Reply(
        f"{code}/apple mail",
        own,
        html=f'<html><head></head><body style="overflow-wrap: break-word;">{mine}<div><br><blockquote type="cite">'
        f"<div>{apple}"
        f'</div><br class="Apple-interchange-newline"><div>{theirs}</div></blockquote></div><br></body></html>',
        source="Apple Mail",
    )
    yield Reply(
        f"{code}/thunderbird",
        own,
        html=f'<html><body>{mine}<br><div class="moz-cite-prefix">{apple}<br></div><blockquote type="cite" '
        f'cite="mid:x@shop.example">{theirs}</blockquote><pre class="moz-signature" cols="72">-- \nAna '
        f"Pérez</pre></body></html>",
        source="Thunderbird",
    )
    yield Reply(
        f"{code}/yahoo",
        own,
        html=f'<div class="ydp1yahoo-style-wrap">{mine}</div><div id="ydp2yahoo_quoted_1" class="yahoo_quoted">'
        f"<div>{gmail}</div>"
        f"<div>{theirs}</div></div>",
        source="Yahoo Mail",
    )
    yield Reply(
        f"{code}/proton",
        own,
        html=f'<div style="font-family: Arial">{mine}</div><div class="protonmail_signature_block"><div '
        f'class="protonmail_signature'
        f'_block-proton">Sent with <a href="https://proton.me/">Proton Mail</a> secure email.</div></div><div '
        f'class="protonmail_quote">'
        f'{gmail}<br><blockquote class="protonmail_quote" type="cite">{theirs}</blockquote></div>',
        source="Proton Mail",
    )
    yield Reply(
        f"{code}/gmx",
        own,
        html=f'<html><body><div style="font-family: Verdana"><div>{mine}</div><div name="quote" style="margin:10px '
        f'5px"><div>{block}'
        f'</div><div name="quoted-content">{theirs}</div></div></div></body></html>',
        source="GMX, web.de",
    )
    yield Reply(
        f"{code}/zoho",
        own,
        html=f'<div>{mine}</div><br><div class="zmail_extra_hr" style="border-top: 1px solid"></div><div '
        f'class="zmail_extra"><div>---- '
        f"On Mon, 20 Nov 2023 10:00:00 +0100 <b>{escape(W)}</b> wrote ---</div><blockquote>"
        f"{theirs}</blockquote></div>",
        source="Zoho Mail",
    )
    yield Reply(
        f"{code}/roundcube",
        own,
        html=f'<html><body>{mine}<p id="reply-intro">{apple}</p><blockquote type="cite" style="padding: 0 0.4em">'
        f"{theirs}</blockquote>"
        "</body></html>",
        source="Roundcube",
    )
    yield Reply(
        f"{code}/tutanota",
        own,
        html=f"<div>{mine}</div><div>Secured with Tuta Mail: https://tuta.com/free-email</div><div "
        f'class="tutanota_quote">{apple}'
        f'<blockquote class="tutanota_quote">{theirs}</blockquote></div>'.replace(
            "<div>Secured with Tuta Mail: https://tuta.com/free-email</div>", ""
        ),
        source="Tuta",
    )
    yield Reply(
        f"{code}/spark",
        own,
        html=f'<div name="messageBodySection">{mine}</div><div name="messageSignatureSection"><br><div>Ana</div>'
        f'</div><div name="'
        f'messageReplySection">{gmail}<br><blockquote type="cite">{theirs}</blockquote></div>',
        source="Spark",
    )


def _special() -> Iterator[Reply]:
    intro = "On Mon, Nov 20, 2023 at 10:00 AM Shop <help@shop.example> wrote:"
    quote = "> Which colour did you want?\n> And where shall it go?"
    yield Reply("special/no quote", "I want my money back.\n\nNow.", "I want my money back.\n\nNow.\n")
    yield Reply(
        "special/below the quote", "The blue one.", f"{intro}\n\n{quote}\n\nThe blue one.\n", source="bottom posting"
    )
    yield Reply(
        "special/between the quotes",
        "> Which colour did you want?\nThe blue one.\n> And where shall it go?\nTo Cádiz.",
        f"{intro}\n\n> Which colour did you want?\nThe blue one.\n> And where shall it go?\nTo Cádiz.\n",
        source="RFC 3676 §4.5, talon",
    )
    yield Reply(
        "special/greeting, then between the quotes",
        "Hi,\n\n> Which colour did you want?\n\nThe blue one.\n\n> And where shall it go?\n\nTo Cádiz.",
        "Hi,\n\n> Which colour did you want?\n\nThe blue one.\n\n> And where shall it go?\n\nTo Cádiz.\n",
        source="mutt",
    )
    yield Reply("special/intro on the reply's line", "Yes.", f"Yes. {intro}\n{quote}\n", source="talon")
    yield Reply(
        "special/quote without intro", "Yes, the blue one.", f"Yes, the blue one.\n\n{quote}\n", source="phones"
    )
    yield Reply(
        "special/quote wrapped by a gateway",
        "Blue.",
        f"Blue.\n\n{intro}\n\n> Which colour did you want for the two chairs that you ordered on\nMonday?\n> "
        f"And where to?\n",
        source="github/email_reply_parser",
    )
    yield Reply(
        "special/signature",
        "The blue one.",
        "The blue one.\n\n-- \nAna Pérez\nTel. 600 000 000\n",
        source="RFC 3676 §4.3",
    )
    yield Reply("special/dashes", "The blue one.", "The blue one.\n\n--\nAna Pérez\n", source="webmail")
    yield Reply(
        "special/closing",
        "The blue one, to Cádiz.",
        "The blue one, to Cádiz.\n\nKind regards,\n\nAna Pérez\nACME SL\nTel. 600\n",
    )
    yield Reply(
        "special/closing with a smiley",
        "It is on its way?",
        "It is on its way?\n\nCheers 🎉\nSarah\n\n—————\nSarah\nShop\n",
    )
    yield Reply(
        "special/two signatures",
        "It is on its way?",
        "It is on its way?\n\nBest regards,\nJohn\n\n--\nJohn\nCEO\n\nSent from my iPhone\n",
    )
    yield Reply(
        "special/long intro",
        "Yes.",
        "Yes.\n\nOn Monday, December 15, 2024, at 3:45:32 PM EST, John William Smith Junior from Accounting "
        "Department "
        "<john.william.smith.jr@verylongdomainname.example.com> wrote:\n> This is a very long quote header\n",
        source="crisp",
    )
    yield Reply(
        "special/mail.ru html",
        "Hi. I am fine.",
        html="<p>Hi. I am fine.</p><p>Thanks,<br>Alex</p><br><br>Thu, 26 Jun 2014 14:00:51 +0400 от Alexander L "
        '&lt;abc@example.com&gt;:<br><blockquote style="border-left:1px solid"><div>Hello! How are you?</div>'
        "</blockquote>",
        source="talon",
    )
    yield Reply(
        "special/windows mail html",
        "Hi. I am fine.",
        html="<div>Hi. I am fine.</div><div><br></div><div>Thanks,</div><div>Alex</div><div style='padding-top: 5px; "
        "border-top-color: rgb(229, 229, 229); border-top-width: 1px'><b>От:</b>&nbsp;Alexander<br><b>"
        "Отправлено:</b>&nbsp;"
        "четверг</div><div>Hello! How are you?</div>",
        source="talon",
    )
    yield Reply(
        "special/hotmail html",
        "Hi. I am fine.",
        html='<div>Hi. I am fine.<div>Thanks,</div><div>Alex<br><div><hr id="stopSpelling">Date: Thu, 26 Jun '
        "2014<br>Subject: "
        "x<br>From: abc@example.com<br>To: a@example.com<br><div>Hello! How are you?</div></div></div></div>",
        source="talon",
    )
    yield Reply("special/thanks alone", "Thank you!", "Thank you!\n")
    yield Reply("special/thanks and name", "Thanks,\nAna", "Thanks,\nAna\n")
    yield Reply("special/only thanks above a quote", "Gracias", f"Gracias\n\n{intro}\n\n{quote}\n")
    yield Reply(
        "special/regards within a sentence",
        "Give my regards to Luis.\nIt works.",
        "Give my regards to Luis.\nIt works.\n",
        source="crisp",
    )
    yield Reply(
        "special/sent from within a sentence",
        "Here it is.\n\nSent from my desk, which is much easier than from my phone.",
        "Here it is.\n\nSent from my desk, which is much easier than from my phone.\n",
        source="github/email_reply_parser",
    )
    yield Reply("special/sent from", "The blue one.", "The blue one.\n\nSent from my Galaxy\n", source="Samsung")
    yield Reply(
        "special/get outlook",
        "The blue one.",
        "The blue one.\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\n"
        "From: Shop <help@shop.example>\n"
        "Sent: Monday, November 20, 2023 10:00:00 AM\nTo: Ana <ana@customer.example>\nSubject: Order 44\n\n"
        "Which colour?\n",
        source="Outlook for iOS",
    )
    for code, text in (
        ("en", "CONFIDENTIALITY NOTICE: This e-mail and any files transmitted with it are confidential."),
        ("en 2", "This email and any attachments are confidential and intended solely for the addressee."),
        ("es", "AVISO LEGAL: Este mensaje y sus archivos adjuntos van dirigidos exclusivamente a su destinatario."),
        ("es 2", "Este mensaje y sus anexos pueden contener información confidencial."),
        ("de", "Diese E-Mail enthält vertrauliche Informationen und ist nur für den Empfänger bestimmt."),
        ("fr", "Ce message et toutes les pièces jointes sont confidentiels."),
        ("it", "Questo messaggio è confidenziale e destinato esclusivamente al destinatario."),
        ("pt", "Esta mensagem pode conter informação confidencial destinada apenas ao destinatário."),
        ("nl", "Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde."),
        ("planet", "Please consider the environment before printing this e-mail."),
    ):
        yield Reply(f"special/disclaimer {code}", "The blue one.", f"The blue one.\n\n{text}\n")
    yield Reply(
        "special/closing, address, disclaimer, quote",
        "The blue one, to Cádiz.",
        "The blue one, to Cádiz.\n\nSaludos,\nAna Pérez\nACME SL\n\nAVISO LEGAL: este correo es confidencial.\n\n"
        f"{intro}\n\n{quote}\n",
    )
    for code, text in (
        ("en", "CAUTION: This email originated from outside of the organization. Do not click links."),
        ("short", "[EXTERNAL] This message comes from an external sender."),
        ("es", "PRECAUCIÓN: este correo procede de fuera de la organización."),
        ("outlook", "You don't often get email from ana@customer.example. Learn why this is important"),
    ):
        yield Reply(f"special/banner {code}", "The blue one.", f"{text}\n\nThe blue one.\n", source="Microsoft 365")
    yield Reply(
        "special/reply above this line",
        "The blue one.",
        "The blue one.\n\n##- Please type your reply above this line -##\n\nYour request (44) was updated.\n",
        source="Zendesk",
    )
    yield Reply(
        "special/list of a journey",
        "From: Madrid\nTo: Paris\nDate: 5 May\n\nTwo seats, please.",
        "From: Madrid\nTo: Paris\nDate: 5 May\n\nTwo seats, please.\n",
        source="must not be cut",
    )
    yield Reply(
        "special/a form filled in",
        "Nombre: Ana\nAsunto: factura\nFecha: 20/11/2023\n\nNecesito la factura.",
        "Nombre: Ana\nAsunto: factura\nFecha: 20/11/2023\n\nNecesito la factura.\n",
        source="must not be cut",
    )
    yield Reply(
        "special/On at the line's start",
        "On Monday I called you.\nOn Tuesday nobody came.",
        "On Monday I called you.\nOn Tuesday nobody came.\n",
        source="crisp, must not be cut",
    )
    yield Reply(
        "special/prompt marks",
        "I typed:\n>>> print(1)\nand it failed.",
        "I typed:\n>>> print(1)\nand it failed.\n",
        source="must not be cut",
    )
    yield Reply(
        "special/a list with hyphens",
        "I need:\n- two chairs\n- one table",
        "I need:\n- two chairs\n- one table\n",
        source="mail-parser-reply, must not be cut",
    )
    yield Reply(
        "special/forward with a note",
        "Please see below.",
        "Please see below.\n\n---------- Forwarded message ---------\nFrom: Luis <luis@x.example>\nDate: "
        "Mon, Nov 20, 2023\n"
        "Subject: x\nTo: Ana <ana@customer.example>\n\nMy chair broke.\n",
        source="Gmail",
    )
    forwarded = (
        "---------- Forwarded message ---------\nFrom: Luis <luis@x.example>\nDate: Mon, Nov 20, 2023\nSubject: x\n"
        "To: Ana <ana@customer.example>\n\nMy chair broke."
    )
    yield Reply("special/forward without a note", forwarded, f"{forwarded}\n", source="shown whole")
    yield Reply(
        "special/gmail, answers between",
        "> Which colour?\nThe blue one.\n> And where to?\nTo Cádiz.",
        html='<div dir="ltr"><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon wrote:</div>'
        '<blockquote class="gmail_quote">'
        '<div>Which colour?</div></blockquote><div>The blue one.</div><blockquote class="gmail_quote"><div>'
        "And where to?</div>"
        "</blockquote><div>To Cádiz.</div></div></div>",
        source="Gmail",
    )
    yield Reply(
        "special/own words in a blockquote",
        "They told me:\n> No refunds.\nIs that true?",
        html="<p>They told me:</p><blockquote><p>No refunds.</p></blockquote><p>Is that true?</p>",
        source="must not be cut",
    )
    yield Reply(
        "special/list footer",
        "The blue one.",
        "The blue one.\n\n_______________________________________________\nfriends mailing list\n"
        "friends@lists.example\n"
        "http://lists.example/friends\n",
        source="Mailman",
    )
