"""The search for prompts and demonstrations: parts, pools, optimizers, race, final test and outcome folder."""
