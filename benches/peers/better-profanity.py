"""better-profanity with its own list: `contains_profanity`, prompt by prompt."""

from better_profanity import profanity

from serve import packages, serve

profanity.load_censor_words()
serve(packages("better-profanity"), lambda prompts: sum(map(profanity.contains_profanity, prompts)))
