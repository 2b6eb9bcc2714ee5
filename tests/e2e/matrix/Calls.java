// SPDX-License-Identifier: Apache-2.0

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The calls every client makes, by java.net.http: HTTP_2 (by upgrade or ALPN) or HTTP_1_1. */
class Calls {
	static HttpClient client;

	static HttpRequest request(String method, String target, String body) {
		return HttpRequest.newBuilder(URI.create(System.getenv("BASE") + target))
			.method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body))
			.build();
	}

	static void tell(String name, HttpResponse<byte[]> answer) throws Exception {
		byte[] body = answer.body();
		String shown = new String(body, StandardCharsets.ISO_8859_1).stripTrailing();
		if (body.length >= 2000 || shown.indexOf(0) >= 0) {
			StringBuilder hex = new StringBuilder();
			for (byte b : MessageDigest.getInstance("SHA-256").digest(body))
				hex.append(String.format("%02x", b));
			shown = body.length + " bytes " + hex;
		}
		System.out.printf("%s: %s %d %s%n%s%n", name, answer.version(), answer.statusCode(),
			answer.headers().firstValue("content-type").orElse("-"), shown);
	}

	static void one(String name, String method, String target, String body) throws Exception {
		tell(name, client.send(request(method, target, body), BodyHandlers.ofByteArray()));
	}

	public static void main(String[] arguments) throws Exception {
		client = HttpClient.newBuilder().version(HttpClient.Version.valueOf(arguments[0])).build();
		one("get", "GET", "/json", null);
		one("post", "POST", "/echo", "{\"b\":1,\"a\":[1,2]}");
		one("large post", "POST", "/echo", "a long text ".repeat(20000));
		one("stream", "GET", "/sse", null);
		List<CompletableFuture<HttpResponse<byte[]>>> pages = new ArrayList<>();
		for (int i = 0; i < 8; i++)
			pages.add(client.sendAsync(request("GET", "/page?i=" + i + "&ms=" + (40 - 5 * i), null),
				BodyHandlers.ofByteArray()));
		for (int i = 0; i < 8; i++)
			tell("page " + i, pages.get(i).get());
		one("error", "GET", "/error", null);
		one("not found", "GET", "/nothing", null);
		one("large", "GET", "/large", null);
	}
}
