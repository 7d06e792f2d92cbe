import Answers
import Testing

private func warning(_ text: String) -> String? {
    var check = LanguageCheck()
    check.append(text.utf8)
    return check.warning
}

@Suite struct LanguageCheckTests {
    @Test(
        "a text in another language says so",
        arguments: [
            (
                "German",
                "Sehr geehrte Damen und Herren, anbei finden Sie die Rechnung für den Monat Oktober. Bitte überweisen Sie den Betrag bis zum Ende des Monats auf unser Konto."
            ),
            (
                "French",
                "Bonjour, je vous écris pour confirmer notre rendez-vous de mardi. Pouvez-vous me dire si la salle est libre et combien de personnes sont attendues dans le bureau ?"
            ),
            (
                "Spanish",
                "Hola, te escribo para decirte que la reunión del martes se ha cambiado. Los documentos están en la carpeta y el informe es para la semana que viene."
            ),
            (
                "Italian",
                "Ciao, ti scrivo per dirti che la riunione di martedì non si farà. I documenti sono nella cartella e il rapporto è per la settimana che viene."
            ),
            (
                "Portuguese",
                "Olá, escrevo para dizer que a reunião de terça não vai acontecer. Os documentos estão na pasta e o relatório é para a semana que vem, com mais dados."
            ),
            (
                "Dutch",
                "Hallo, ik schrijf om te zeggen dat de vergadering van dinsdag niet doorgaat. De stukken staan in de map en het verslag is voor de week die komt."
            ),
            (
                "Polish",
                "Dzień dobry, piszę w sprawie faktury, która nie została jeszcze opłacona. Proszę o informację, czy to jest pomyłka i jak się z nami skontaktować."
            ),
            (
                "Turkish",
                "Merhaba, bu hafta için bir toplantı ayarlamak istiyorum. Çok önemli bir konu var ve daha sonra konuşmak için zaman olmayacak gibi görünüyor."
            ),
            ("not Latin", "Здравствуйте! Напоминаем, что ваш счёт за октябрь ещё не оплачен."),
            ("not Latin", "您好，这封邮件是为了确认我们星期二的会议。请告诉我会议室是否可用，谢谢。"),
            ("not Latin", "お世話になっております。来週の会議の件でご連絡いたしました。よろしくお願いします。"),
            ("not Latin", "مرحبا، أكتب إليكم لتأكيد موعد اجتماعنا يوم الثلاثاء القادم."),
        ])
    func foreign(language: String, text: String) {
        #expect(warning(text)?.contains(language) == true, "\(warning(text) ?? "no warning")")
    }

    @Test(
        "English, short texts, code and lists stay silent",
        arguments: [
            "Hi all, attached are the minutes of the meeting. Please have a look and tell me if anything is missing.",
            "Dear Señor Müller, naïve as it is, I am writing to you about the façade of the Café de la Paix in the old town.",
            "Danke!", "Привет", "", "1,249.50 EUR 19 % 2025-10-03",
            "int main(void) { for (int i = 0; i < 10; ++i) puts(de[i]); }",
            "Total 12\nSKU-1 blue\nSKU-2 red\nSKU-3 green\nSKU-4 black\nSKU-5 white\nSKU-6 grey\nSKU-7 pink\nSKU-8 teal\n",
            "On Tuesday Jürgen wrote: > Danke. The German word 'und' means and; please do not translate it for the reader of this.",
        ])
    func silent(text: String) {
        #expect(warning(text) == nil)
    }

    @Test("a text that begins in English and goes on is judged by all that is looked at")
    func mixed() {
        let english = "We hereby confirm that the order of the customer is on its way to you. "
        #expect(
            warning(
                String(repeating: english, count: 3)
                    + "Vielen Dank und auf Wiedersehen bei der nächsten Bestellung.") == nil)
    }
}
