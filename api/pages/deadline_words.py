"""Danish words about clocks: how they stand, how binding their rules are, which reading was used, who checked them."""

from collections.abc import Mapping

from api.dossier_words import DEADLINES, LEVELS

__all__ = ["CALENDARS", "DEADLINES", "LEVELS", "MARKS", "OPTIONS", "ROLLS", "SETTINGS"]

MARKS: Mapping[str, str] = {
    "V": "efterset i en offentliggjort udgave",
    "M": "delvist efter hukommelsen: bekræft med en jurist",
    "seed": "programmets egen tekst",
    "internal": "egen standard",
}
"""What a verification mark means."""

CALENDARS: Mapping[str, str] = {
    "weekdays": "mandag til fredag uden helligdage",
    "weekdays_and_saturdays": "mandag til lørdag uden helligdage",
    "weekdays_without_eves": "mandag til fredag uden helligdage, 5. juni, 24. og 31. december",
    "weekdays_and_saturdays_without_eves": "mandag til lørdag uden helligdage, 5. juni, 24. og 31. december",
}
"""Which days a count of days takes."""

ROLLS: Mapping[str, str] = {
    "none": "fristen flyttes ikke, når den ender på en weekend eller helligdag",
    "citizen": "fristen flyttes til næste hverdag fra weekend, helligdag, 5. juni, 24. og 31. december",
    "regulation_1182_71": "fristen flyttes til næste hverdag fra weekend og helligdag",
    "weekend_and_holiday": "fristen flyttes til næste hverdag fra weekend og helligdag",
}
"""What becomes of an end that falls on a day off."""

SETTINGS: Mapping[str, str] = {
    "hverdag": "Hverdage",
    "hverdag_strict_warning": "Strengere tælling, der varsler",
    "eves": "5. juni, 24. og 31. december",
    "authority_deadlines_roll": "Frist, der ender på en helligdag",
    "follow_up_ends": "Opfølgningspligten ender",
    "A4": "»Efter 3-4 måneder«",
    "A5": "»Mindst hver 6. uge«",
    "A6": "»En gang om ugen«",
    "A7": "»0-2 år«",
    "A9": "»Hurtigt« og »altid hurtig«",
    "A13": "»Første gang 1 uge efter fødslen«",
    "A14": "Begyndt mere end en uge efter fødslen",
    "A20": "»Graviditetsuge 20«",
    "A21": "Pakken kan begyndes indtil",
    "A22": "Dage oven i de tre måneder",
    "A24": "»Cirka fire måneder« regnes fra",
}
"""What a setting is about: a place where the source can be read in more than one way."""

OPTIONS: Mapping[str, str] = {
    "mon-fri-minus-public-holidays": "mandag til fredag uden helligdage",
    "mon-sat-minus-public-holidays": "mandag til lørdag uden helligdage",
    "none": "flyttes ikke",
    "weekend,public_holiday": "flyttes til næste hverdag",
    "counted": "tælles med",
    "skipped": "tælles ikke med",
    "enrolment_closed": "når forløbet afsluttes",
    "decision_ends_support": "først ved en afgørelse om ophør",
    "birth_else_start": "fra fødslen, ellers fra begyndelsen",
    "always_birth": "altid fra fødslen",
    "last_held": "fra den seneste opfølgning",
    "grid": "fast fra fødslen og en uge",
    "iso_week": "en gang i hver kalenderuge",
    "seven_days": "højst syv dage imellem",
    "birthday": "til 2-årsdagen",
    "through_year": "hele leveåret med",
    "off": "intet tal fastsat",
    "by_day_7": "senest på dag 7",
    "about_day_7": "omkring dag 7",
    "not_applicable": "fristen gælder ikke",
    "from_start": "regnes fra begyndelsen",
    "20+0": "fra 20+0",
    "19+0": "fra 19+0",
    "due_date": "terminsdatoen",
    "birth": "fødslen",
    "order": "bestillingen",
    "start": "begyndelsen",
}
"""The options of settings."""
