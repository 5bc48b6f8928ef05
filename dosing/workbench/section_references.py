"""The publications behind each design, as a protocol lists them."""

_ISOTONIC = (
    "Barlow RE, Bartholomew DJ, Bremner JM, Brunk HD. Statistical inference under order restrictions. Wiley 1972."
)
_MTPI = (
    "Ji Y, Liu P, Li Y, Bekele BN. A modified toxicity probability interval method for dose-finding trials. "
    "Clin Trials 2010;7:653–663."
)
_BOIN = (
    "Liu S, Yuan Y. Bayesian optimal interval designs for phase I clinical trials. J R Stat Soc C 2015;64:507–523. "
    "doi:10.1111/rssc.12089",
    "Yuan Y, Hess KR, Hilsenbeck SG, Gilbert MR. Bayesian optimal interval design: a simple and well-performing design "
    "for phase I oncology trials. Clin Cancer Res 2016;22:4291–4301.",
)

REFERENCES: dict[str, tuple[str, ...]] = {
    "boin": (*_BOIN, _ISOTONIC),
    "keyboard": (
        "Yan F, Mandrekar SJ, Yuan Y. Keyboard: a novel Bayesian toxicity probability interval design for phase I "
        "clinical trials. Clin Cancer Res 2017;23:3994–4003. doi:10.1158/1078-0432.CCR-17-0220",
        _ISOTONIC,
    ),
    "mtpi2": (
        "Guo W, Wang SJ, Yang S, Lynn H, Ji Y. A Bayesian interval dose-finding design addressing Ockham’s razor: "
        "mTPI-2. Contemp Clin Trials 2017;58:23–33. doi:10.1016/j.cct.2017.04.006",
        _MTPI,
        _ISOTONIC,
    ),
    "i3plus3": (
        "Liu M, Wang SJ, Ji Y. The i3+3 design for phase I clinical trials. J Biopharm Stat 2020;30:294–304. "
        "doi:10.1080/10543406.2019.1636811",
        _MTPI,
        _ISOTONIC,
    ),
    "three_plus_three": (
        "Storer BE. Design and analysis of phase I clinical trials. Biometrics 1989;45:925–937.",
        "Korn EL, Midthune D, Chen TT, Rubinstein LV, Christian MC, Simon RM. A comparison of two phase I trial "
        "designs. Stat Med 1994;13:1799–1806.",
    ),
    "crm": (
        "O’Quigley J, Pepe M, Fisher L. Continual reassessment method: a practical design for phase 1 clinical trials "
        "in cancer. Biometrics 1990;46:33–48.",
        "Goodman SN, Zahurak ML, Piantadosi S. Some practical improvements in the continual reassessment method for "
        "phase I studies. Stat Med 1995;14:1149–1161.",
        "Lee SM, Cheung YK. Model calibration in the continual reassessment method. Clin Trials 2009;6:227–238.",
    ),
    "tite_boin": (
        "Yuan Y, Lin R, Li D, Nie L, Warren KE. Time-to-event Bayesian optimal interval design to accelerate phase I "
        "trials. Clin Cancer Res 2018;24:4921–4930. doi:10.1158/1078-0432.CCR-18-0246",
        "Lin R, Yuan Y. Time-to-event model-assisted designs for dose-finding trials with delayed toxicity. "
        "Biostatistics 2020;21:807–824. doi:10.1093/biostatistics/kxz007",
        *_BOIN,
        _ISOTONIC,
    ),
}
