"""The words that needs, technologies, evidence and filters share.

Values are stored in the database and used in addresses, so they never change; labels are what people read and may.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Term(StrEnum):
    """A stored value with the label that people read."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        """Keep the label beside the stored value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Return (value, label) pairs in the order of definition."""
        return [(member.value, member.label) for member in cls]


class ClinicalArea(Term):
    """The part of health and care that a need or a technology is about."""

    CANCER = "cancer", "Cancer"
    CARDIOVASCULAR = "cardiovascular", "Heart and circulation"
    CHILDREN = "children", "Children and young people"
    DENTAL = "dental", "Dental and oral health"
    DERMATOLOGY = "dermatology", "Skin"
    DIABETES = "diabetes", "Diabetes and endocrine"
    DIAGNOSTICS = "diagnostics", "Diagnostics and imaging"
    DIGESTIVE = "digestive", "Digestive system and liver"
    EARS_NOSE_THROAT = "ears-nose-throat", "Ears, nose and throat"
    END_OF_LIFE = "end-of-life", "Palliative and end of life care"
    EYES = "eyes", "Eyes"
    FRAILTY = "frailty", "Older people and frailty"
    INFECTION = "infection", "Infection and sepsis"
    KIDNEY = "kidney", "Kidney and urology"
    LEARNING_DISABILITY = "learning-disability", "Learning disability and autism"
    MATERNITY = "maternity", "Maternity and newborn"
    MEDICINES = "medicines", "Medicines and pharmacy"
    MENTAL_HEALTH = "mental-health", "Mental health"
    MUSCULOSKELETAL = "musculoskeletal", "Bones, joints and muscles"
    NEUROLOGY = "neurology", "Brain and nerves, with stroke"
    RESPIRATORY = "respiratory", "Lungs and breathing"
    SURGERY = "surgery", "Surgery and critical care"
    URGENT_CARE = "urgent-care", "Urgent and emergency care"
    WOMENS_HEALTH = "womens-health", "Women’s health"
    WOUND_CARE = "wound-care", "Wound care"
    WORKFORCE = "workforce", "Workforce and rostering"
    OPERATIONS = "operations", "Flow, estates and operations"
    OTHER = "other", "Another area"


class CareSetting(Term):
    """Where care happens, or where a technology is used."""

    ACUTE_WARD = "acute-ward", "Hospital ward"
    EMERGENCY_DEPARTMENT = "emergency-department", "Emergency department or same day emergency care"
    THEATRE = "theatre", "Theatre or critical care"
    OUTPATIENTS = "outpatients", "Outpatient clinic"
    DIAGNOSTIC_CENTRE = "diagnostic-centre", "Diagnostic department or community diagnostic centre"
    AMBULANCE = "ambulance", "Ambulance service or 111"
    GENERAL_PRACTICE = "general-practice", "General practice"
    PHARMACY = "pharmacy", "Community pharmacy"
    COMMUNITY = "community", "Community services and clinics"
    HOME = "home", "A person’s own home"
    CARE_HOME = "care-home", "Care home"
    MENTAL_HEALTH_UNIT = "mental-health-unit", "Mental health unit or team"
    MATERNITY_UNIT = "maternity-unit", "Maternity or neonatal unit"
    ACROSS_A_SYSTEM = "across-a-system", "Across a whole system"


class Shift(Term):
    """The three shifts of the 10 Year Health Plan for England."""

    HOSPITAL_TO_COMMUNITY = "hospital-to-community", "Hospital to community"
    ANALOGUE_TO_DIGITAL = "analogue-to-digital", "Analogue to digital"
    SICKNESS_TO_PREVENTION = "sickness-to-prevention", "Sickness to prevention"


class EvidenceType(Term):
    """A kind of evidence that a need may ask for and that a technology may hold."""

    DEVICE_CERTIFICATE = "device-certificate", "UKCA or CE certificate (medical device)"
    MHRA_REGISTRATION = "mhra-registration", "MHRA registration"
    DTAC = "dtac", "DTAC (digital technology assessment criteria)"
    CLINICAL_SAFETY = "clinical-safety", "DCB0129 clinical safety case"
    DSPT = "dspt", "Data security and protection toolkit (DSPT)"
    CYBER_ESSENTIALS = "cyber-essentials", "Cyber Essentials or Cyber Essentials Plus"
    PENETRATION_TEST = "penetration-test", "External penetration test"
    DATA_PROTECTION = "data-protection", "ICO registration and data protection impact assessment"
    INTEROPERABILITY = "interoperability", "Works with NHS systems (interoperability)"
    ACCESSIBILITY = "accessibility", "Accessibility and user testing"
    NICE_FRAMEWORK = "nice-framework", "NICE evidence standards framework"
    NICE_GUIDANCE = "nice-guidance", "NICE guidance"
    CLINICAL_STUDY = "clinical-study", "Clinical study"
    REAL_WORLD = "real-world", "Real-world results from a service"
    HEALTH_ECONOMICS = "health-economics", "Health economics or budget impact"
    CARBON = "carbon", "Carbon reduction plan or Evergreen assessment"
    QUALITY_SYSTEM = "quality-system", "ISO 13485, ISO 27001 or other quality certificate"
    OTHER = "other", "Other evidence"


class FundingState(Term):
    """Whether there is money for a need."""

    NONE = "none", "No funding yet"
    BID = "bid", "A bid or business case is being written"
    COMMITTED = "committed", "Funding is committed"


class Timing(Term):
    """When an organisation wants to start."""

    NOW = "now", "Now"
    WITHIN_6_MONTHS = "within-6-months", "Within 6 months"
    WITHIN_12_MONTHS = "within-12-months", "Within 12 months"
    LATER = "later", "Later than 12 months"


class Readiness(Term):
    """How far a technology has come."""

    PROTOTYPE = "prototype", "Prototype, not yet used with patients"
    PILOT = "pilot", "In a pilot"
    IN_USE = "in-use", "In routine use at one or two sites"
    SCALED = "scaled", "In routine use at three or more sites"
