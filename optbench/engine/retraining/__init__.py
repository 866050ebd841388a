"""One network trained many times: on rows that are drawn anew, on folds, round after round of boosting."""
