"""The built-in front end: reads requests without a language model, without weights and without a key."""

from models.chat.offline.model import OfflineChatModel

__all__ = ["OfflineChatModel"]
