"""What mail clients write around a quoted mail, and people at the end of one, in many languages.

Collected from mails of the clients and from the tables and tests of talon, quotequail, mail-parser-reply, unquotemail
and crisp's email-reply-parser. Adding a language is adding its words here.
"""

from __future__ import annotations

import re


def _words(joined: str) -> frozenset[str]:
    return frozenset(joined.split("|"))


# "On Monday, Ana wrote:" — the word for "wrote", which closes the line or comes shortly before the name that does.
_WROTE = (
    *("wrote", "writes", "sent", "said"),  # English
    *("escribió", "escribio", "escribiste", "ha escrito"),  # Spanish
    *("escreveu", "escreveste"),  # Portuguese
    *("escribiu", "va escriure", "ha escrit", "idatzi du", "hau idatzi zuen"),  # Galician, Catalan, Basque
    *("a écrit", "écrit", "a ecrit", "ecrit", "écrivait"),  # French
    *("ha scritto", "scrisse", "scrive", "scritto"),  # Italian
    *("schrieb", "schrieben", "geschrieben", "schreibt", "hat geschrieben"),  # German
    *("schreef", "het volgende geschreven", "geschreven", "verzond"),  # Dutch
    *("skrev", "skrev følgende", "skrev följande", "har skrevet"),  # Danish, Norwegian, Swedish
    *("kirjoitti", "skrifaði"),  # Finnish, Icelandic
    *("napisał", "napisała", "napisał(a)", "napisana przez", "pisze", "nadesłał", "użytkownik"),  # Polish
    *("napsal", "napsala", "napsal(a)", "napísal", "napísala", "napísal(a)"),  # Czech, Slovak
    *("ezt írta", "írta"),  # Hungarian
    *("a scris", "a scris:"),  # Romanian
    *("napisao", "napisala je", "je napisao", "je napisala", "je napisao/la", "je napisal", "je napisala/o"),
    *("kirjutas", "rakstīja", "rašė", "ka shkruar", "shkroi"),  # Estonian, Latvian, Lithuanian, Albanian
    *("написал", "написала", "написал(а)", "пишет", "писал", "писал(а)", "пользователь"),  # Russian
    *("написав", "написала", "написав(-ла)", "пише"),  # Ukrainian
    *("написа", "пише:", "напиша"),  # Bulgarian, Serbian
    *("έγραψε", "yazdı", "şunu yazdı", "şunları yazdı"),  # Greek, Turkish
    *("כתב", "כתבה", "כתב/ה", "מאת", "كتب", "كتبت", "نوشت"),  # Hebrew, Arabic, Persian
    *("đã viết", "menulis", "เขียนว่า", "ने लिखा"),  # Vietnamese, Indonesian, Thai, Hindi
    *("写道", "寫道", "来信", "撰寫", "님이 작성", "작성", "님이 쓰셨습니다", "썼습니다"),  # Chinese, Korean
    *("のメッセージ", "さんのメール", "は書きました", "書きました", "さんは"),  # Japanese
)
WROTE = re.compile(
    r"(?:(?<![^\W\d_])(?:"
    + "|".join(re.escape(word) for word in sorted(_WROTE, key=len, reverse=True) if word[0].isascii() or len(word) > 3)
    + r")(?![^\W\d_])|写道|寫道|来信|撰寫|작성|のメッセージ|書きました|さんは|מאת|כתב|كتب|نوشت)",
    re.IGNORECASE,
)
# How such a line begins; where it does, a word for "wrote" needs less else around it.
INTRO_START = re.compile(
    r"(?:-{2,}\s*)?(?:on|in a message dated|at|el|em|a|o|le|la|il|in data|am|op|den|på|pe|dnia|w dniu|dne|"
    r"dňa|da?tum|"
    r"dana|në|vào|pada|vom|il giorno|no dia|el dia|la|в|на|στις|tarihinde|於|于|在|بتاريخ|في|ב-?|בתאריך)\b",
    re.IGNORECASE,
)
HAS_DATE = re.compile(
    r"(?:19|20)\d\d|\d{1,2}[:.h]\d{2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}\.?\s+[^\W\d_]{3,}|"
    r"[^\W\d_]{3,}\.?\s+\d{1,2}"
)
HAS_ADDRESS = re.compile(r"[^\s<>()\[\]\"']{1,100}@[^\s<>()\[\]\"']{1,100}")
# "2014-10-17 11:28 GMT+03:00 Ana <ana@example.org>:" and "2011/4/7 Ana <ana@example.org>": no verb at all.
BARE_INTRO = re.compile(
    r"(?:\w{2,12}\.?,?\s+)?(?:\d|[^\W\d_]{2,12},?\s+\d).{5,160}?[<(\[][^\s<>]{1,100}@[^\s<>]{1,100}[>)\]]\s*:?\s*$"
)

# Labels of the block that Outlook and others put above a quoted mail.
FROM_LABELS = _words(
    "from|de|von|van|da|fra|från|från:|od|feladó|lähettäjä|mittente|expéditeur|remitente|remetente|"
    "absender|afzender|afsender|avsändare|avsender|nadawca|odesílatel|odosielateľ|от|от кого|отправитель|"
    "від|від кого|από|kimden|gönderen|de la|expeditor|saatja|no|nuo|šalje|pošiljatelj|发件人|寄件者|寄件人|差出人|"
    "送信者|送信元|보낸 사람|보낸사람|발신|มาจาก|จาก|từ|dari|من|מאת|از|nork|igorlea|remitent"
)
DATE_LABELS = _words(
    "sent|date|sent at|enviado|enviado el|fecha|enviada em|enviado em|data|gesendet|datum|gesendet am|"
    "envoyé|envoyé le|inviato|data invio|verzonden|verzonden op|sendt|dato|skickat|lähetetty|päivämäärä|"
    "päiväys|wysłano|wysłane|odesláno|odoslané|elküldve|dátum|отправлено|дата|надіслано|στάλθηκε|"
    "ημερομηνία|gönderildi|gönderme tarihi|tarih|trimis|saadetud|nosūtīts|išsiųsta|poslano|enviat|发送时间|"
    "发送日期|日期|寄件日期|傳送時間|日付|送信日時|送信済み|日時|보낸 날짜|날짜|보낸날짜|วันที่|ส่งเมื่อ|"
    "ngày|đã gửi|tanggal|dikirim|تاريخ|"
    "أرسل|נשלח|תאריך|تاریخ|bidalia|data/hora"
)
TO_LABELS = _words(
    "to|para|a|à|an|aan|til|till|do|komu|címzett|vastaanottaja|al|destinatario|destinatário|destinataire|"
    "empfänger|adresat|adresát|кому|προς|kime|alıcı|către|saaja|kam|kam:|za|prima|per a|收件人|收件者|宛先|받는 사람|"
    "받는사람|수신|ถึง|đến|kepada|إلى|אל|به|nori|pour|per|cc|copia|kopie|kopia|kopi|dw|cópia|copie|copia a|"
    "másolatot kap|копия|抄送|副本|참조|組織|reply-to|responder a|antwort an|répondre à|bcc|cco|blindkopie|"
    "importance|importancia|attachments|datos adjuntos|anlagen"
)
SUBJECT_LABELS = _words(
    "subject|asunto|assunto|assumpte|betreff|betrifft|objet|sujet|oggetto|onderwerp|emne|ämne|aihe|temat|"
    "předmět|predmet|tárgy|тема|относно|θέμα|konu|subiect|teema|temats|tema|naslov|gaia|asuntu|主题|主旨|主題|"
    "件名|제목|เรื่อง|chủ đề|tiêu đề|subjek|perihal|الموضوع|موضوع|נושא|efni"
)

# ---- dividers: "-----Original Message-----"
DIVIDERS = _words(
    "original message|original mail|original email|original e-mail|original text|reply message|original|"
    "reply above this line|mensaje original|mensagem original|missatge original|message d'origine|"
    "message d’origine|message original|messaggio originale|messaggio original|ursprüngliche nachricht|"
    "ursprungliche nachricht|originalnachricht|original-nachricht|antwort nachricht|original nachricht|"
    "oorspronkelijk bericht|origineel bericht|originalbericht|oprindelig meddelelse|oprindelig besked|"
    "original besked|original meddelelse|ursprungligt meddelande|originalmeddelande|originalt meddelande|"
    "opprinnelig melding|original melding|originalt melding|opprinnelig meddelelse|alkuperäinen viesti|"
    "wiadomość oryginalna|oryginalna wiadomość|původní zpráva|originální zpráva|pôvodná správa|"
    "originálna správa|eredeti üzenet|mesaj original|mesajul original|izvorna poruka|originalna poruka|"
    "izvirno sporočilo|исходное сообщение|исходное письмо|оригинальное сообщение|"
    "оригінальне повідомлення|оригинално съобщение|αρχικό μήνυμα|özgün ileti|orijinal ileti|"
    "orijinal mesaj|原始邮件|原始郵件|原邮件|元のメッセージ|オリジナルメッセージ|원본 메시지|원본 메일|"
    "الرسالة الأصلية|"
    "הודעה מקורית|thư gốc|pesan asli|ข้อความต้นฉบับ|jatorrizko mezua"
)
FORWARDS = re.compile(
    r"forwarded (?:message|by)|begin forwarded|mensaje reenviado|inicio del mensaje reenviado|mensagem encaminhada|"
    r"missatge reenviat|message transf[ée]r[ée]|d[ée]but du message (?:r[ée]exp[ée]di[ée]|transf[ée]r[ée])|"
    r"messaggio inoltrato|inizio messaggio inoltrato|weitergeleitete nachricht|anfang der weitergeleiteten|"
    r"doorgestuurd bericht|begin doorgestuurd|videresendt (?:melding|besked|meddelelse)|vidarebefordra[td]|"
    r"välitetty viesti|wiadomość przekazana|przekazana wiadomość|přeposlaná zpráva|preposlaná správa|"
    r"továbbított üzenet|mesaj redirecționat|пересылаемое сообщение|переслан\w+ (?:сообщение|письмо)|"
    r"начало переадресованного|пересланное|προωθημένο μήνυμα|yönlendirilen ileti|iletilen ileti|"
    r"转发的?邮件|轉寄的?郵件|转发信息|転送メッセージ|転送されたメッセージ|전달된 메시지|"
    r"الرسالة المعاد توجيهها|הודעה שהועברה",
    re.IGNORECASE,
)
REPLY_ABOVE = re.compile(
    r"(?:please )?(?:type|write|enter) your reply above this line|reply above this line|"
    r"(?:escriba|escribe|responda|responde) (?:su respuesta )?(?:por )?encima de esta l[íi]nea|"
    r"bitte oberhalb dieser (?:linie|zeile) antworten|(?:écrivez|répondez) au-dessus de cette ligne|"
    r"responda acima desta linha|rispondi sopra questa riga",
    re.IGNORECASE,
)

# ---- ends
SENT_FROM = re.compile(
    r"[*_\s]*(?:"
    r"(?:sent|get) (?:from|with|via|using) (?:my |the |a )?\S|sent by my \S|get outlook for \S|get bluemail for \S|"
    r"enviado desde (?:mi |el |la |outlook|yahoo|correo|proton|samsung)|enviado (?:con|por|a través de) \S|"
    r"obt[eé]n(?:er|ga)? outlook para|descarg\w+ outlook|envia(?:do|da) (?:do|de|a partir d[oea]|pelo|com|"
    r"via) (?:meu |minha )?\S|"
    r"obter (?:o )?outlook para|enviat des d|envoyé (?:de(?:puis)?|à partir d[eu]|avec|par) |"
    r"t[ée]l[ée]charge[rz]? outlook pour|"
    r"obtenir outlook|provenance : |inviato da(?:l|ll)?['’ ]|ottieni outlook per|scarica outlook|"
    r"(?:diese nachricht wurde )?(?:von|mit) .{2,60} (?:gesendet|verschickt)|gesendet (?:von|mit|aus|über) |"
    r"outlook für \S+ beziehen|holen sie sich outlook|verzonden (?:vanaf|met|via|vanuit) |"
    r"verstuurd (?:vanaf|met|via) |"
    r"outlook voor \S+ downloaden|download outlook voor|sendt fra |hent outlook til|skickat från |"
    r"skaffa outlook för|"
    r"sendt via |lähetetty |hanki outlook|wysłan[oea] (?:z|ze|przy) |pobierz outlook|odesláno z|získat outlook|"
    r"odoslané z|küldve |elküldve |.{1,30}(?:ról|ről|ból|ből) küldve|az outlook .{1,20} letöltése|"
    r"trimis (?:de pe|din) |obțineți outlook|"
    r"отправлено (?:с|из|от) |послано с |надіслано (?:з|із) |изпратено от|στάλθηκε από|λήψη του outlook|"
    r"(?:iphone|ipad|android|samsung)\S*['’]?(?:umdan|imden|dan|den) gönderildi|\S+ cihazımdan gönderildi|"
    r"poslano (?:s|iz|z) |"
    r"发自我的|從我的|从我的|发自 ?|自我的 ?|(?:my |マイ)?(?:iphone|ipad|android)\S*から送信|"
    r".{1,30}から送信(?:されました)?$|"
    r"나의 .{1,30}에서 보냄|내 .{1,30}에서 보냄|.{1,30}에서 보냈습니다|أرسلت من|تم الإرسال من|נשלח מ|đã gửi từ|"
    r"được gửi từ|dikirim dari|ส่งจาก"
    r")",
    re.IGNORECASE,
)
# A line that is but a closing. `strong` ones close a mail wherever they stand alone; `weak` ones may say something.
_STRONG = (
    r"(?:(?:with )?(?:very )?(?:best|kind(?:est)?|warm(?:est)?|many|sincere|"
    r"my best)?[ ,]*(?:and )?(?:best |kind )?regards)|"
    r"(?:yours|sincerely)(?: (?:sincerely|faithfully|truly|yours))?|best wishes|all the best|cheers|rgds|"
    r"kr|brgds|respectfully|"
    r"cordially|(?:un|muchos|reciba[n]? un|recibe un|con un)? ?(?:cordial|afectuoso|fuerte|atento|gran)? ?saludos?"
    r"(?: (?:cordial(?:es)?|atentos?|afectuosos?))?|(?:muy )?(?:atentamente|cordialmente)|atte\.?|"
    r"un (?:fuerte )?abrazo|abrazos|"
    r"salutacions(?: cordials)?|atentament|agur(?: bero bat)?|(?:com os )?(?:melhores )?cumprimentos|"
    r"atenciosamente|abraços?|"
    r"(?:bien |très |tres )?cordialement(?: vôtre)?|bien (?:à|a) (?:vous|toi)|"
    r"(?:meilleures )?salutations(?: distinguées)?|"
    r"sinc[èe]rement|amicalement|bonne (?:journ[ée]e|soir[ée]e|r[ée]ception)|(?:cordiali|distinti|"
    r"cari) saluti|saluti|"
    r"cordialmente|(?:mit )?(?:den )?(?:freundliche[nm]?|beste[nm]?|liebe[nm]?|viele[nm]?|herzliche[nm]?|"
    r"schöne[nm]?) "
    r"gr(?:ü|ue|u)(?:ß|ss)(?:e[n]?)?(?: aus .{1,30})?|gru(?:ß|ss)|mfg|lg|vg|hochachtungsvoll|"
    r"(?:met )?(?:vriendelijke|hartelijke) groet(?:en)?|groet(?:en|jes)?|mvg|"
    r"(?:med )?(?:venlig(?:e)?|vennlig|vänlig(?:a)?|bästa|beste|bedste|hjertelig|varma) (?:hilsen|hilsner|"
    r"hälsning(?:ar)?)|"
    r"hilsen|hälsningar|mvh|(?:ystävällisin|parhain) terveisin|terveisin|terv\.?|(?:z |"
    r"serdecznie )?(?:poważaniem|pozdrawiam|"
    r"wyrazami szacunku)(?: serdecznie)?|s pozdrav(?:em|om)|(?:srdečně|hezký den|přeji hezký den)|s úctou|"
    r"üdvözlettel|"
    r"(?:tisztelettel|üdv)|cu (?:stimă|respect)|toate cele bune|(?:s )?(?:lijep pozdrav|poštovanjem|"
    r"lep pozdrav|pozdrav)|"
    r"с уважением|с наилучшими пожеланиями|всего (?:доброго|хорошего)|з повагою|с уважение|поздрави|"
    r"με (?:εκτίμηση|φιλικούς χαιρετισμούς)|saygılarımla|saygılar(?:ımızla)?|iyi (?:çalışmalar|günler)|"
    r"此致|敬礼|祝好|顺祝商祺|此致敬礼|祝您?愉快|敬上|よろしくお願い(?:いた|致)?します。?|"
    r"以上、?よろしくお願いします。?|敬具|草々|"
    r"감사합니다|안부 전합니다|مع (?:أطيب|خالص) التحيات|تحياتي|بتحية|בברכה|trân trọng|thân(?: ái)?|salam|hormat saya|"
    r"ขอแสดงความนับถือ"
)
_WEAK = (
    r"(?:many )?thanks(?: (?:again|a lot|so much|in advance|and (?:best|kind) regards|very much))?|"
    r"thank you(?: (?:so|very) much| in "
    r"advance| for your (?:help|time))?|thx|ty|best|warmly|love|kind|(?:muchas |mil |"
    r"de antemano,? )?gracias(?: (?:por todo|de "
    r"antemano|por (?:su|tu) (?:ayuda|atención|tiempo)|y (?:un )?saludos?|anticipadas))?|"
    r"(?:moltes )?gràcies|eskerrik asko|"
    r"(?:muito )?obrigad[oa](?: desde já)?|grat[oa]|merci(?: (?:beaucoup|d['’]avance|bien))?|(?:molte |"
    r"mille )?grazie(?: mille)?|"
    r"(?:vielen |herzlichen |besten )?dank(?: (?:im voraus|und (?:viele|beste|liebe) grüße))?|danke|"
    r"(?:hartelijk )?bedankt|"
    r"alvast bedankt|dank u|(?:mange |på forhånd )?tak|takk|tack(?: på förhand)?|kiitos|kiittäen|dziękuję|"
    r"z góry dziękuję|děkuji|"
    r"ďakujem|köszönettel|köszönöm|mulțumesc|hvala|спасибо|заранее спасибо|благодарю|дякую|благодаря|"
    r"ευχαριστώ|teşekkürler|"
    r"teşekkür ederim|谢谢|謝謝|多谢|ありがとうございます。?|고맙습니다|شكرا|תודה|cảm ơn|terima kasih|"
    r"ขอบคุณ(?:ครับ|ค่ะ)?"
)
STRONG_CLOSING = re.compile(rf"(?:{_STRONG})\s*[,;.!~–—:، ]*$", re.IGNORECASE)
WEAK_CLOSING = re.compile(rf"(?:{_WEAK})\s*[,;.!~–—،:) ]*$", re.IGNORECASE)
SIGNATURE_LINE = re.compile(r"\s*(?:-- ?|--|---|—{1,10}|–{2,10}|__|___|\*\*\*|={2,5}|\+{2,4}|~{2,5}|-- ?\*?\s?)\s*$")

DISCLAIMER = re.compile(
    r"[*_\s\[(]*(?:"
    r"(?:confidential(?:ity)?|disclaimer|legal|privacy|important|privileged)[ /\w]{0,30}(?:notice|note|"
    r"information|disclaimer|statement)?"
    r"\s*[:.\-–]|disclaimer\b|confidentiality notice|"
    r"(?:this|the (?:information|contents?)(?: contained)? (?:in|of) this) (?:e-?mail|message|"
    r"communication|transmission)"
    r"(?:,? (?:and|including|together with|with) (?:any|all|its).{0,40})? (?:is|are|may|contains?|"
    r"has been|was|transmitted)\b|"
    r"please consider the environment|think before you print|virus-free\.|this email has been (?:checked|scanned)|"
    r"la información contenida en este|el contenido de este (?:correo|mensaje|e-?mail)|"
    r"este (?:mensaje|correo|e-?mail|email)(?: electrónico)?(?:,? (?:y|junto con|"
    r"incluidos?) .{0,60})? (?:es|está|están|van?|pueden?|contienen?|se dirigen?|tienen?)\b|"
    r"aviso (?:legal|de (?:confidencialidad|privacidad))|advertencia legal|cláusula de confidencialidad|"
    r"(?:antes|piense|por favor,? piense).{0,20} (?:de )?imprimir|libre de virus|"
    r"protección de datos\s*[:.]|en cumplimiento (?:de lo dispuesto|del? )|"
    r"de conformidad con .{0,40}(?:RGPD|protección de datos)|"
    r"esta mensagem(?: (?:e|pode)).{0,40}(?:confidencia|destina)|aviso de confidencialidade|"
    r"aquest (?:missatge|correu).{0,60}(?:confidencial|destina)|"
    r"ce (?:message|courriel|mail|e-?mail)(?: (?:et|ainsi).{0,60})? (?:est|sont|peut|peuvent|contient)\b|"
    r"(?:avis|clause) de confidentialité|les informations contenues dans ce|pensez à l.environnement|"
    r"questo (?:messaggio|documento)(?: (?:e|di posta).{0,60})? (?:è|sono|contiene|può)\b|"
    r"le informazioni contenute (?:in|nella)|"
    r"(?:avviso|nota) di riservatezza|ai sensi del|diese (?:e-?mail|nachricht)(?: .{0,60})? (?:enthält|"
    r"kann|ist|können)\b|"
    r"(?:wichtiger |rechtlicher )?hinweis\s*:|vertraulichkeitshinweis|der inhalt dieser e-?mail|"
    r"(?:dit|deze) (?:e-?mail|bericht)(?: .{0,60})? (?:is|kan|bevat|zijn)\b|de informatie (?:in|verzonden)|"
    r"(?:dette|denne|detta) (?:e-?mail|e-?post|meddelelse|meddelande|melding).{0,60}(?:fortrolig|"
    r"konfidentiel|konfidensiell)|"
    r"(?:niniejsza|ta) wiadomość.{0,60}(?:poufn|przeznaczon)|treść tej wiadomości|"
    r"tento e-?mail.{0,80}(?:důvěrn|dôvern|určen)|"
    r"(?:данное|это|настоящее) (?:сообщение|письмо|электронное).{0,80}(?:конфиденциал|предназначен)|"
    r"bu (?:e-?posta|ileti|mesaj).{0,60}(?:gizli|özel|sadece)|本邮件.{0,30}(?:机密|保密)|"
    r"此(?:邮件|電子郵件).{0,30}(?:机密|保密|機密)|"
    r"このメール(?:には|は).{0,30}(?:機密|秘密)|이 (?:메일|이메일)(?:은|에는).{0,30}(?:기밀|비밀)"
    r")",
    re.IGNORECASE,
)
# What gateways put above the text.
BANNER = re.compile(
    r"[*_\s\[(⚠️!-]*(?:caution|warning|attention|external|externer?|extern|externo|externe|precaución|"
    r"atención|aviso|advertencia|cuidado|"
    r"achtung|vorsicht|you don'?t often get|some people who received this|no suele recibir|"
    r"recibe correos electrónicos de|vous n.obtenez pas souvent|sie erhalten nicht (?:oft|häufig))\b"
    r".{0,200}?(?:e-?mail|mail|correo|message|mensaje|nachricht|sender|remitente|origin|organi[sz]a|external|extern)",
    re.IGNORECASE,
)
