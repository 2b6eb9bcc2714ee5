/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/redact_impl.h"

#include <string.h>

/* Tokens that say what they are by their first letters, as their vendors made them for scanners. */
enum charset {
	LETTERS, /* A-Za-z */
	ALNUM,   /* A-Za-z0-9 */
	WORD,    /* A-Za-z0-9_- */
	DOTTED,  /* WORD and . */
	HEX,     /* 0-9a-fA-F */
	UPPER,   /* A-Z2-7: base32 */
	BASE64,  /* ALNUM and +/= */
};

static const struct {
	const char *prefix;
	enum charset charset;
	uint16_t min; /* characters after the prefix */
	bool exact;   /* and no more of them */
} tokens[] = {
	{"sk-", WORD, 20, false}, /* OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse */
	{"sk_live_", ALNUM, 10, false},
	{"sk_test_", ALNUM, 10, false},
	{"sk_prod_", ALNUM, 10, false},
	{"rk_live_", ALNUM, 10, false},
	{"rk_test_", ALNUM, 10, false},
	{"rk_prod_", ALNUM, 10, false},
	{"sk_", HEX, 48, false}, /* ElevenLabs */
	{"whsec_", BASE64, 20, false},
	{"gsk_", ALNUM, 40, false}, /* Groq */
	{"xai-", WORD, 40, false},
	{"pplx-", ALNUM, 40, false},
	{"hf_", ALNUM, 30, false}, /* Hugging Face */
	{"api_org_", LETTERS, 30, false},
	{"r8_", WORD, 37, false}, /* Replicate */
	{"nvapi-", WORD, 40, false},
	{"AIza", WORD, 35, false}, /* Google */
	{"ya29.", WORD, 20, false},
	{"1//0", WORD, 20, false},
	{"GOCSPX-", WORD, 20, false},
	{"AKIA", UPPER, 16, true}, /* AWS */
	{"ASIA", UPPER, 16, true},
	{"ABIA", UPPER, 16, true},
	{"ACCA", UPPER, 16, true},
	{"ABSK", BASE64, 109, false}, /* Bedrock */
	{"bedrock-api-key-", BASE64, 20, false},
	{"ghp_", ALNUM, 36, false}, /* GitHub */
	{"gho_", ALNUM, 36, false},
	{"ghu_", ALNUM, 36, false},
	{"ghs_", WORD, 36, false},
	{"ghr_", ALNUM, 36, false},
	{"github_pat_", WORD, 60, false},
	{"glpat-", DOTTED, 20, false}, /* GitLab */
	{"gldt-", WORD, 20, false},
	{"glrt-", DOTTED, 20, false},
	{"glptt-", WORD, 20, false},
	{"glcbt-", WORD, 20, false},
	{"glsoat-", WORD, 20, false},
	{"glagent-", WORD, 20, false},
	{"xoxa-", WORD, 10, false}, /* Slack */
	{"xoxb-", WORD, 10, false},
	{"xoxe-", WORD, 10, false},
	{"xoxe.", DOTTED, 10, false},
	{"xoxo-", WORD, 10, false},
	{"xoxp-", WORD, 10, false},
	{"xoxr-", WORD, 10, false},
	{"xoxs-", WORD, 10, false},
	{"xapp-", WORD, 10, false},
	{"SG.", DOTTED, 60, false}, /* SendGrid */
	{"npm_", ALNUM, 36, false},
	{"pypi-AgEIcHlwaS5vcmc", WORD, 50, false},
	{"dckr_pat_", WORD, 27, false},
	{"dckr_oat_", WORD, 27, false},
	{"dop_v1_", HEX, 64, false},
	{"doo_v1_", HEX, 64, false},
	{"dor_v1_", HEX, 64, false},
	{"dapi", HEX, 32, false},  /* Databricks */
	{"hvs.", WORD, 24, false}, /* Vault */
	{"hvb.", WORD, 24, false},
	{"lin_api_", ALNUM, 32, false},
	{"ntn_", ALNUM, 40, false},
	{"secret_", ALNUM, 43, false}, /* Notion, before ntn_ */
	{"figd_", WORD, 30, false},
	{"PMAK-", WORD, 30, false},
	{"pul-", HEX, 40, false},
	{"shpat_", HEX, 32, false},
	{"shpca_", HEX, 32, false},
	{"shppa_", HEX, 32, false},
	{"shpss_", HEX, 32, false},
	{"sntrys_", BASE64, 30, false},
	{"sntryu_", HEX, 64, false},
	{"glc_", BASE64, 32, false}, /* Grafana */
	{"glsa_", WORD, 32, false},
	{"NRAK-", ALNUM, 27, false},
	{"lsv2_pt_", WORD, 32, false}, /* LangSmith */
	{"lsv2_sk_", WORD, 32, false},
	{"pcsk_", WORD, 40, false},
	{"tvly-", WORD, 30, false}, /* Tavily */
	{"AGE-SECRET-KEY-1", ALNUM, 58, false},
};

static bool is_alnum(uint8_t c)
{
	return redact_is_word(c) && c != '_' && c != '-';
}

static bool is_in(enum charset charset, uint8_t c)
{
	switch (charset) {
	case LETTERS:
		return is_alnum(c) && c > '9';
	case ALNUM:
		return is_alnum(c);
	case WORD:
		return redact_is_word(c);
	case DOTTED:
		return redact_is_word(c) || c == '.';
	case HEX:
		return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
	case UPPER:
		return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7');
	case BASE64:
		return is_alnum(c) || c == '+' || c == '/' || c == '=';
	}
	return false;
}

static size_t run_length(struct span text, size_t from, enum charset charset)
{
	size_t end = from;

	while (end < text.len && is_in(charset, text.data[end]))
		end++;
	return end - from;
}

static bool starts_with(struct span text, const char *prefix, size_t len)
{
	return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static size_t match_prefix(struct span text, size_t row)
{
	size_t prefix = strlen(tokens[row].prefix), run;

	if (!starts_with(text, tokens[row].prefix, prefix))
		return 0;
	run = run_length(text, prefix, tokens[row].charset);
	if (run < tokens[row].min || (tokens[row].exact && run != tokens[row].min))
		return 0;
	return prefix + run;
}

/* eyJ… . eyJ… . …: base64url of {" twice, and a signature (RFC 7515 7.1). */
static size_t match_jwt(struct span text)
{
	static const struct {
		const char *start;
		size_t min;
	} parts[] = {{"eyJ", 17}, {".eyJ", 17}, {".", 10}};
	size_t pos = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t skip = parts[i].start[0] == '.', run;

		if (!starts_with(redact_part(text, pos, text.len), parts[i].start,
			    strlen(parts[i].start)))
			return 0;
		run = run_length(text, pos + skip, WORD);
		if (run < parts[i].min)
			return 0;
		pos += skip + run;
	}
	return pos;
}

#define PEM_BEGIN     "-----BEGIN "
#define PEM_KEY       "PRIVATE KEY-----"
#define PEM_END       "-----END "
#define PEM_LABEL_MAX 64

/* A private key in PEM (RFC 7468); one whose end is missing goes on to the end of the text. */
static size_t match_private_key(struct span text)
{
	size_t begin = strlen(PEM_BEGIN), window;
	const uint8_t *key, *end, *stop = text.data + text.len;

	if (!starts_with(text, PEM_BEGIN, begin))
		return 0;
	window = text.len < PEM_LABEL_MAX ? text.len : PEM_LABEL_MAX;
	key = memmem(text.data, window, PEM_KEY, strlen(PEM_KEY));
	if (!key)
		return 0;
	end = memmem(key, (size_t)(stop - key), PEM_END, strlen(PEM_END));
	if (end)
		end = memmem(end, (size_t)(stop - end), PEM_KEY, strlen(PEM_KEY));
	return end ? (size_t)(end - text.data) + strlen(PEM_KEY) : text.len;
}

size_t redact_token_length(struct span text, enum redact_kind *ret_kind)
{
	size_t len = 0;

	if (text.len == 0)
		return 0;
	*ret_kind = REDACT_PRIVATE_KEY;
	if (text.data[0] == '-')
		return match_private_key(text);
	*ret_kind = REDACT_TOKEN;
	if (text.data[0] == 'e')
		return match_jwt(text);
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]) && len == 0; i++)
		if (tokens[i].prefix[0] == (char)text.data[0])
			len = match_prefix(text, i);
	return len;
}
