"""What can be done about doses."""

from dosing.operations.amend import approve_amendment
from dosing.operations.comparisons import put_away_comparison, save_comparison
from dosing.operations.decide import propose_decision, withdraw_decision
from dosing.operations.protocol import go_live, import_study, load_protocol, sign_set_up
from dosing.operations.recommend import issue_recommendation, renew_recommendation
from dosing.operations.sign import propose_and_sign, sign_decision, withdraw_shown_decision

__all__ = [
    "approve_amendment",
    "go_live",
    "import_study",
    "issue_recommendation",
    "load_protocol",
    "propose_and_sign",
    "propose_decision",
    "put_away_comparison",
    "renew_recommendation",
    "save_comparison",
    "sign_decision",
    "sign_set_up",
    "withdraw_decision",
    "withdraw_shown_decision",
]
