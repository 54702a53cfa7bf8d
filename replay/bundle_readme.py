"""What a bundle says about itself in plain words, Danish first: what it proves, what it does not, how to check it."""

from collections.abc import Mapping
from typing import Any

_DANISH = """\
BEVISPAKKE FOR EN SAG
=====================

Pakken indeholder {events} poster fra sag {case} i protokollen {origin}.
{told} af dem kan læses her. Af de øvrige {hidden} er kun et fingeraftryk med: de står i protokollen på det angivne
sted, men fortæller intet om indholdet.
{scope}{simulated}
Hvad pakken beviser
- Hver post stod præcis sådan, byte for byte, i kommunens protokol, da protokollen med {size} poster blev underskrevet.
  Er én byte ændret siden, stemmer regnestykket ikke, og kontrolprogrammet nævner den første post, det gælder.
- Hver tekst, der er åbnet her, er den tekst, der blev registreret.
- Er der underskrifter fra vidner eller tidsstempler med, fandtes posterne senest på de tidspunkter, de nævner.

Hvad pakken ikke beviser
- At det, der står i posterne, er sandt. En protokol viser, hvad der blev skrevet, ikke hvad der skete.
- At sagen er fuldstændig. Det, der aldrig blev registreret, står her ikke; senere poster kan findes; og kommunen kan
  have vidst mere, end der blev registreret.
- Hvem der sad ved tasterne. Posterne nævner det login, der blev brugt.
- At posterne er lovlige, rigtige eller fyldestgørende begrundet. Hvad de er værd som bevis, afgør den, der skal bruge
  dem.

Sådan kontrollerer du den (uden internet, på din egen computer, med Python 3.9 eller nyere)
1. Skaf protokollens offentlige nøgle et andet sted fra end denne pakke: fra kommunens hjemmeside, en tidligere
   afgørelse eller en, du stoler på. Nøglen begynder med "{origin}+". En nøgle, der fulgte med pakken, beviser intet.
2. pip install cryptography
3. python verify.py PAKKE.zip --log-key NØGLE
   Brug helst et kontrolprogram, du har fået et andet sted fra: mappen verifier/ i caseledger har den samme fil.
Formatet er beskrevet, så andre kan skrive deres eget kontrolprogram (docs/bundle.md i caseledger).
"""

_ENGLISH = """\

EVIDENCE BUNDLE OF A CASE
=========================

The bundle holds {events} entries of case {case} in the log {origin}.
{told} of them can be read here. Of the other {hidden} there is a fingerprint only: they stand in the log at the place
named and tell nothing of their content.
{scope_en}{simulated_en}
What it proves
- Each entry stood in the municipality's log exactly like this, byte for byte, when the log was signed at size {size}.
  If one byte was changed since, the sums do not come out, and the verifier names the first entry where they do not.
- Each text that is open here is the text that was recorded.
- Where witnesses have signed or there are time stamps, the entries existed by the times these name.

What it does not prove
- That what the entries say is true. A log shows what was written, not what happened.
- That the case is complete. What was never recorded is not here, there may be later entries, and the municipality may
  have known more than was recorded.
- Who sat at the keyboard. The entries name the login that was used.
- That the entries are lawful, right or well reasoned. What they are worth as evidence is for whoever uses them to say.

How to check it (without a network, on your own computer, with Python 3.9 or newer)
1. Get the log's public key from somewhere else than this bundle: the municipality's web site, an earlier decision, or
   somebody you trust. It begins with "{origin}+". A key that came with the bundle proves nothing.
2. pip install cryptography
3. python verify.py BUNDLE.zip --log-key KEY
   Better use a verifier that you have from elsewhere: the folder verifier/ of caseledger holds the same file.
The format is described so that others can write a verifier of their own (docs/bundle.md of caseledger).
"""

_SELECTION = """\
Pakken er et udvalg af sagens poster og beviser ikke, at andre poster ikke findes. Der kan være huller, som ikke må
omtales. Hver post bærer sit nummer i sagen og posten før sig som et fingeraftryk: deraf ses, at der ligger noget
imellem, men ikke hvad. Det kan ikke fjernes uden at ødelægge beviset.
"""
_SELECTION_EN = """\
The bundle is a selection of the case's entries and does not prove that there are no others. There may be gaps that may
not be mentioned. Each entry carries its number in the case, and the entry before it as a fingerprint: from these one
sees that something lies between, but not what. That cannot be taken away without breaking the proof.
"""
_WHOLE = """\
Pakken indeholder alle sagens poster fra den første til den sidste, der er med. En post, der kan læses, er kædet til
posten før. Hvilken sag et fingeraftryk hører til, vises kun af posten efter, når den kan læses.
"""
_WHOLE_EN = """\
The bundle holds every entry of the case from the first to the last one in it. An entry that can be read is linked to
the one before it; which case a fingerprint belongs to is shown by the entry after it alone, where that can be read.
"""
_SIMULATED = "Protokollen har et simuleret ur: alt i den er opdigtet.\n"
_SIMULATED_EN = "The log has a simulated clock: everything in it is fictional.\n"


def readme(said: Mapping[str, Any]) -> str:
    """Return the text for what a manifest says."""
    counts = said["counts"]
    values = {
        "events": counts["events"],
        "told": counts["told"],
        "hidden": counts["events"] - counts["told"],
        "case": said["case"],
        "origin": said["origin"],
        "size": said["checkpoint"]["size"],
        "scope": _WHOLE if said["complete"] else _SELECTION,
        "scope_en": _WHOLE_EN if said["complete"] else _SELECTION_EN,
        "simulated": _SIMULATED if said["simulated"] else "",
        "simulated_en": _SIMULATED_EN if said["simulated"] else "",
    }
    return (_DANISH + _ENGLISH).format(**values)
