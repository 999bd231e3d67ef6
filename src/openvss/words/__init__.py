"""From what a user types to labels with synonyms, and to prompts; `openvss.models.words` embeds them."""

from openvss.words.vocabulary import Label, Vocabulary, Words

__all__ = ["Label", "Vocabulary", "Words"]
