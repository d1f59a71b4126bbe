"""Words that say nothing about a question's topic, without accents, for each language that we serve.

Only function words. The lists on the package index also drop words that customers ask by (`stop-words` drops `call`,
`help`, `open`, `order`, `bill`).
"""

from __future__ import annotations

from types import MappingProxyType

_ENGLISH = """
a about all also am an and any are as at be been but by can cant could did do does doesnt doing dont for from
get got had has have having he her here him his how i id if im in into is it its ive just me my no not of on
or our ours please she so some such than that thats the their them then there these they this those to too u
up us very was we were what whats when where which who whom why will with would you your yours
"""

_SPANISH = """
a al algo ante como con cual cuando de del desde donde el ella ellas ellos en entre era es esa ese eso esta
estan estar este esto estos estoy fue ha hace han hasta hay he la las le les lo los mas me mi mis mucho muy no
nos nosotros o os para pero por porque puede puedo que quien se sea ser si sin sobre son soy su sus tambien te
tengo ti tiene tienen todo tu tus un una uno unos usted ustedes y ya yo
"""

_PORTUGUESE = """
a ao aos as ate com como da das de dela dele do dos e ela elas ele eles em entre era essa esse esta estao
estar este estou eu foi ha isso isto ja la lhe mais mas me meu meus minha minhas muito na nao nas no nos nossa
nosso num numa o os ou para pela pelo pode por porque posso qual quando que quem sao se sem ser seu seus so
sua suas tambem te tem tenho um uma vai voce voces
"""

_FRENCH = """
a ai au aux avec c ce ces cet cette comment d dans de des du elle elles en est et etre eu il ils j je l la le
les leur lui m ma mais me mes moi mon n ne nos notre nous on ou par pas peut peux plus pour pourquoi qu quand
que quel quelle qui s sa se ses si son sont sur t ta te tes toi ton tu un une vos votre vous y
"""

STOP_WORDS = MappingProxyType(
    {
        "en": frozenset(_ENGLISH.split()),
        "es": frozenset(_SPANISH.split()),
        "pt": frozenset(_PORTUGUESE.split()),
        "fr": frozenset(_FRENCH.split()),
    }
)
