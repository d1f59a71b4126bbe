"""What the hub itself says to customers, in each language that it serves, and how choices are put to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

DEFAULT_LANGUAGE = "en"

_PHRASES: Mapping[str, Mapping[str, str]] = {
    "clarify": {
        "en": "Sorry, I did not understand that. Could you say it in other words? You can also ask for a person.",
        "es": "Perdone, no le he entendido. ¿Puede decirlo con otras palabras? "
        "También puede pedir hablar con una persona.",
    },
    "did_you_mean": {
        "en": "I am not sure that I understood you. Did you mean one of these?",
        "es": "No estoy seguro de haberle entendido. ¿Se refiere a alguna de estas preguntas?",
    },
    "handoff_next": {
        "en": "I am passing you to a colleague. You are next in the queue; everything you have written goes with you.",
        "es": "Le paso con un compañero. Es usted el siguiente en la cola; verá todo lo que nos ha escrito.",
    },
    "handoff_place": {
        "en": "I am passing you to a colleague. You are number {place} in the queue; "
        "everything you have written goes with you.",
        "es": "Le paso con un compañero. Es usted el número {place} en la cola; verá todo lo que nos ha escrito.",
    },
    "handoff_sorry": {
        "en": "Sorry, I cannot answer right now.",
        "es": "Lo siento, ahora mismo no puedo responderle.",
    },
    "handoff_verification": {
        "en": "I could not confirm your details.",
        "es": "No he podido confirmar sus datos.",
    },
    "code": {
        "en": "Your code is {code}. It is good for ten minutes. Give it to nobody but the colleague whom you are "
        "talking to.",
        "es": "Su código es {code}. Vale durante diez minutos. No se lo dé a nadie más que a quien le está atendiendo.",
    },
    "code_right": {"en": "Thank you, the code is right.", "es": "Gracias, el código es correcto."},
    "code_wrong": {
        "en": "That is not the code that we sent. Please look at it again.",
        "es": "Ese no es el código que le enviamos. Compruébelo, por favor.",
    },
    "link": {
        "en": "You can go on with us here, without telling everything again:\n{link}\nThe link is good for ten "
        "minutes, and only once.",
        "es": "Puede seguir con nosotros por aquí, sin volver a contarlo todo:\n{link}\nEl enlace vale durante diez "
        "minutos y una sola vez.",
    },
    "link_linked": {
        "en": "We go on here. Everything that you have written so far is with us.",
        "es": "Seguimos por aquí. Tenemos todo lo que nos ha escrito hasta ahora.",
    },
    "link_not_good": {
        "en": "This link is not good any more, so we cannot see what you wrote to us elsewhere. Please tell us here "
        "what it is about.",
        "es": "Este enlace ya no vale, así que no vemos lo que nos escribió por otro medio. Cuéntenos aquí de qué se "
        "trata, por favor.",
    },
    "your_number": {"en": "Your number for this is {number}.", "es": "Su número para este asunto es el {number}."},
    "closed": {
        "en": "We are closed now and open again {when}. You need not wait: your message is with us.",
        "es": "Ahora estamos cerrados; volvemos a abrir {when}. No hace falta que espere: ya tenemos su mensaje.",
    },
    "opens_today": {"en": "today at {time} ({place} time)", "es": "hoy a las {time} (hora de {place})"},
    "opens_tomorrow": {"en": "tomorrow at {time} ({place} time)", "es": "mañana a las {time} (hora de {place})"},
    "opens_on": {
        "en": "on {weekday}, {day} {month}, at {time} ({place} time)",
        "es": "el {weekday} {day} de {month} a las {time} (hora de {place})",
    },
    "mail_received": {
        "en": "Thank you for your mail. A person will answer it. Your number is {number}; you need not write again, "
        "but you may answer this mail to add something.",
        "es": "Gracias por su correo. Le responderá una persona. Su número es el {number}; no hace falta que vuelva a "
        "escribir, pero puede responder a este correo para añadir algo.",
    },
    "person_reads": {
        "en": "This answer was sent automatically. If it does not help, just reply: a person will read your answer.",
        "es": "Esta respuesta se ha enviado automáticamente. Si no le sirve, responda sin más: "
        "leerá su respuesta una persona.",
    },
    "vendor_subject": {"en": "A question about a case", "es": "Una consulta sobre un caso"},
    "vendor_number": {
        "en": "Our number for this case is {number}. Please answer this mail, so that your answer finds its place.",
        "es": "Nuestro número para este caso es el {number}. Responda a este correo, por favor, para que su respuesta "
        "llegue a su sitio.",
    },
    "vendor_page": {
        "en": "Or answer on this page, without an account. Whoever has its address can open it:",
        "es": "O responda en esta página, sin necesidad de cuenta. La puede abrir cualquiera que tenga su dirección:",
    },
    "vendor_done": {"en": "This is done.", "es": "Ya está hecho."},
    "vendor_told": {
        "en": "We have asked a firm that we work with about your matter (number {number}). "
        "As soon as we know more, we will write to you.",
        "es": "Hemos consultado su asunto (número {number}) con una empresa con la que trabajamos. "
        "En cuanto sepamos algo, le escribimos.",
    },
    "vendor_asked": {"en": "What the customer asked:", "es": "Qué ha preguntado el cliente:"},
    "vendor_tried": {"en": "What the customer has been told so far:", "es": "Qué se le ha respondido ya:"},
    "vendor_quoted": {"en": "From the conversation:", "es": "De la conversación:"},
    "vendor_by_customer": {"en": "the customer", "es": "el cliente"},
    "vendor_by_agent": {"en": "we", "es": "nosotros"},
    "vendor_by_bot": {"en": "automatic answer", "es": "respuesta automática"},
    "vendor_by_note": {"en": "our note", "es": "nota nuestra"},
    "vendor_by_vendor": {"en": "another firm", "es": "otra empresa"},
    "handoff_minute": {"en": "It should take about a minute.", "es": "Debería tardar un minuto, más o menos."},
    "handoff_minutes": {
        "en": "It should take about {minutes} minutes.",
        "es": "Debería tardar unos {minutes} minutos.",
    },
    "guide_begin": {
        "en": "Let us find out together what it is. A few short questions:",
        "es": "Vamos a averiguar juntos qué es. Unas preguntas cortas:",
    },
    "guide_solved": {"en": "That helped", "es": "Ha servido"},
    "guide_unhelpful": {"en": "It did not help", "es": "No ha servido"},
    "guide_thanks": {"en": "Good to hear. Thank you!", "es": "Nos alegramos. ¡Gracias!"},
    "ask_person": {"en": "Talk to a person", "es": "Hablar con una persona"},
    "other_language": {
        "en": "(This article is only available in another language.)",
        "es": "(Este artículo solo está disponible en otro idioma.)",
    },
    "consent_stop": {
        "en": "You will not get any more messages from us here. Reply START if you want them again.",
        "es": "No recibirá más mensajes nuestros por aquí. Responda ALTA si quiere volver a recibirlos.",
    },
    "consent_start": {
        "en": "You will get our messages here again. Reply STOP to end them.",
        "es": "Volverá a recibir aquí nuestros mensajes. Responda BAJA para dejar de recibirlos.",
    },
    "consent_help": {
        "en": "{inbox}: write to us here with your question. Reply STOP to get no more messages.",
        "es": "{inbox}: escríbanos aquí su pregunta. Responda BAJA para no recibir más mensajes.",
    },
}


_WEEKDAYS: Mapping[str, str] = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
}
_MONTHS: Mapping[str, str] = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}


def served(language: str) -> str:
    """The language that a customer is spoken to in: theirs where the hub has its words, else the default."""
    return language if language in _PHRASES["clarify"] else DEFAULT_LANGUAGE


def phrase(name: str, language: str, **values: object) -> str:
    """A sentence of the hub's own in the customer's language. Raises KeyError for a name that does not exist."""
    return _PHRASES[name][served(language)].format(**values)


def handoff_text(reason: str, place: int, language: str, minutes: int = 0) -> str:
    """What the customer is told when a person takes over: why, the place in the queue (1 = next), and for how long they
    are likely to wait; 0: not known, or not worth a word."""
    where = phrase("handoff_next", language) if place <= 1 else phrase("handoff_place", language, place=place)
    if minutes:
        where = f"{where} {phrase('handoff_minute' if minutes == 1 else 'handoff_minutes', language, minutes=minutes)}"
    if reason in ("bot_timeout", "bot_error"):
        return f"{phrase('handoff_sorry', language)} {where}"
    if reason == "verification_failed":
        return f"{phrase('handoff_verification', language)} {where}"
    return where


def closed_text(now: datetime, opens: datetime, zone: str, language: str) -> str:
    """What a customer is told who writes while nobody is there.

    Args:
        now: on the clock of the inbox or team.
        opens: when it opens again, on the same clock.
        zone: the time zone of that clock, as `Europe/Madrid`.
        language: the customer's.
    """
    spoken = served(language)
    days = (opens.date() - now.date()).days
    name = {0: "opens_today", 1: "opens_tomorrow"}.get(days, "opens_on")
    when = phrase(
        name,
        language,
        time=f"{opens:%H:%M}",
        place=zone.rpartition("/")[2].replace("_", " "),
        weekday=_WEEKDAYS[spoken].split()[opens.weekday()],
        day=opens.day,
        month=_MONTHS[spoken].split()[opens.month - 1],
    )
    return phrase("closed", language, when=when)


def numbered(text: str, choices: Iterable[str]) -> str:
    """A text with its choices below it, a line each, for channels that have no buttons."""
    return "\n".join([text, *(f"{number}. {choice}" for number, choice in enumerate(choices, 1))])


@dataclass(frozen=True, slots=True)
class ChoiceStyle:
    """A way in which a channel shows choices (`buttons`, `list`, `quick_replies`…), and what it takes in that way:
    how many, the longest title and the longest text above them, in characters (0: whatever a message takes)."""

    name: str
    most: int
    title: int
    text: int = 0


def style_for(text: str, titles: Sequence[str], styles: Iterable[ChoiceStyle]) -> ChoiceStyle | None:
    """The first style that shows all of the choices whole; None where they must be numbered lines of the text."""
    for style in styles:
        fits = len(titles) <= style.most and all(len(title) <= style.title for title in titles)
        # Two equal titles cannot be told apart, and some providers refuse them.
        if titles and fits and (not style.text or 0 < len(text) <= style.text) and len(set(titles)) == len(titles):
            return style
    return None


# "2", "2.", "(2)", "2️⃣", "la 2", "option 2": what people answer to numbered lines.
_BEFORE = r"(?:(?:la|el|lo|the|opcion|option|numero|number|no|nº|#)[\s.:]*){0,2}"
_NUMBER = re.compile(_BEFORE + r"\(?([0-9]{1,2})(?:[.)°]|[oa])?")


def meant(answer: str, titles: Sequence[str]) -> int | None:
    """Which of the choices an answer means, from 0: one of the titles, or its number in the list; None: neither.

    A title goes first: where the choices are "1", "2" and "5", the answer "5" is the third.
    """
    said = _plain(answer)
    matching = [number for number, title in enumerate(titles) if _plain(title) == said]
    if matching:
        return matching[0]
    found = _NUMBER.fullmatch(said)
    number = int(found[1]) if found else 0
    return number - 1 if 1 <= number <= len(titles) else None


def _plain(text: str) -> str:
    """Without what people leave out or put around it: case, accents, a final stop, the frame of a keycap."""
    bare = unicodedata.normalize("NFKD", text.strip().strip(".!¡¿?").strip().casefold())
    return "".join(each for each in bare if not unicodedata.category(each).startswith("M"))
