"""Language front ends: what turns a person's words into calls of tools. Any provider, a local checkpoint, or the
built-in offline one, all behind LangChain's `BaseChatModel`. None of them does science."""
