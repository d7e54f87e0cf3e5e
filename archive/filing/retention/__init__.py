"""The end of the keeping (到期处置): due lists, holds, appraisal, destruction, transfer."""
