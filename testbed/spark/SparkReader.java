import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Reads Parquet files with Spark, in one session. One request per line on stdin: an operation, settings as key=value with commas
 * between them, and the path of a file, with tabs between the three. The answer is one line of JSON: {"error": text}, {"types": {...}}, {"filters": {...}}, or {"rows": n} followed by n
 * lines with a row each.
 */
public class SparkReader {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final SparkSession spark;

    private SparkReader(SparkSession spark) {
        this.spark = spark;
    }

    public static void main(String[] args) throws Exception {
        // What libraries print must not look like an answer.
        PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        Logger.getLogger("").setLevel(Level.SEVERE);
        String folder = args[0];
        SparkSession spark = SparkSession.builder().appName("testbed").master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.local.dir", folder + "/local").config("spark.sql.warehouse.dir", folder + "/warehouse")
            .config("spark.sql.session.timeZone", "UTC").config("spark.sql.datetime.java8API.enabled", "true")
            .config("spark.sql.caseSensitive", "true")
            .getOrCreate();
        spark.sparkContext().setLogLevel("ERROR");
        SparkReader reader = new SparkReader(spark);
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = requests.readLine()) != null;) {
            String[] request = line.split("\t", 3);
            try {
                for (String setting : request[1].split(",")) {
                    spark.conf().set(setting.split("=")[0], setting.split("=")[1]);
                }
                for (Object answer : reader.answer(request[0], request[2])) {
                    answers.println(JSON.writeValueAsString(answer));
                }
            } catch (Throwable problem) {
                problem.printStackTrace();
                answers.println(JSON.writeValueAsString(Map.of("error", problem.toString())));
            }
            answers.flush();
        }
        spark.stop();
    }

    private List<Object> answer(String operation, String path) {
        switch (operation) {
            case "rows":
                return rows(spark.read().parquet(path));
            case "kafka columns":
                return rows(spark.read().schema("_kafka_partition INT, _kafka_offset BIGINT, _kafka_timestamp TIMESTAMP").parquet(path));
            case "types":
                Map<String, String> types = new LinkedHashMap<>();
                for (StructField f : spark.read().parquet(path).schema().fields()) {
                    types.put(f.name(), f.dataType().simpleString());
                }
                return List.of(Map.of("types", types));
            case "filters":
                return List.of(Map.of("filters", filters(path)));
            default:
                throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    private static List<Object> rows(Dataset<Row> data) {
        List<Row> found = new ArrayList<>(data.collectAsList());
        found.sort(Comparator.<Row>comparingInt(r -> r.getAs("_kafka_partition")).thenComparingLong(r -> r.getAs("_kafka_offset")));
        List<Object> lines = new ArrayList<>();
        lines.add(Map.of("rows", found.size()));
        for (Row row : found) {
            lines.add(plain(data.schema(), row));
        }
        return lines;
    }

    private static Object plain(DataType type, Object value) {
        if (value == null) {
            return null;
        }
        if (type instanceof StructType) {
            Map<String, Object> object = new LinkedHashMap<>();
            StructField[] fields = ((StructType) type).fields();
            for (int i = 0; i < fields.length; i++) {
                object.put(fields[i].name(), plain(fields[i].dataType(), ((Row) value).get(i)));
            }
            return object;
        }
        if (type instanceof ArrayType) {
            List<Object> list = new ArrayList<>();
            scala.collection.Iterator<?> elements = ((scala.collection.Seq<?>) value).iterator();
            while (elements.hasNext()) {
                list.add(plain(((ArrayType) type).elementType(), elements.next()));
            }
            return list;
        }
        if (type instanceof MapType) {
            List<List<Object>> list = new ArrayList<>();
            scala.collection.Iterator<? extends scala.Tuple2<?, ?>> entries = ((scala.collection.Map<?, ?>) value).iterator();
            while (entries.hasNext()) {
                scala.Tuple2<?, ?> entry = entries.next();
                List<Object> pair = new ArrayList<>();
                pair.add(entry._1());
                pair.add(plain(((MapType) type).valueType(), entry._2()));
                list.add(pair);
            }
            list.sort(Comparator.comparing(pair -> (String) pair.get(0)));
            return list;
        }
        return plainValue(value);
    }

    private static Object plainValue(Object value) {
        if (value instanceof byte[]) {
            return Base64.getEncoder().encodeToString((byte[]) value);
        }
        if (value instanceof BigDecimal) {
            return ((BigDecimal) value).toPlainString();
        }
        if (value instanceof LocalDate) {
            return ((LocalDate) value).toEpochDay();
        }
        if (value instanceof Instant) {
            Instant at = (Instant) value;
            return BigInteger.valueOf(at.getEpochSecond()).multiply(BigInteger.valueOf(1_000_000_000)).add(BigInteger.valueOf(at.getNano()));
        }
        if (value instanceof LocalDateTime) {
            return plainValue(((LocalDateTime) value).toInstant(ZoneOffset.UTC));
        }
        if (value instanceof Float || value instanceof Double) {
            double number = ((Number) value).doubleValue();
            return Double.isFinite(number) ? (Object) number : Double.toString(number);
        }
        return value;
    }

    /** Counts rows by filters, once with the help of statistics and once without. */
    private Map<String, Object> filters(String path) {
        Dataset<Row> data = spark.read().parquet(path);
        List<Row> rows = data.collectAsList();
        List<String> wrong = new ArrayList<>();
        int asked = 0;
        for (StructField field : data.schema().fields()) {
            if (field.dataType() instanceof StructType || field.dataType() instanceof ArrayType || field.dataType() instanceof MapType) {
                continue;
            }
            Column column = functions.col("`" + field.name() + "`");
            for (int i = 0; i < rows.size(); i += rows.size() / 2) {
                Object pivot = rows.get(i).getAs(field.name());
                if (pivot == null) {
                    continue;
                }
                Column literal = functions.lit(pivot);
                for (Column filter : List.of(column.lt(literal), column.equalTo(literal), column.geq(literal))) {
                    asked++;
                    Supplier<Long> count = () -> spark.read().parquet(path).filter(filter).count();
                    spark.conf().set("spark.sql.parquet.filterPushdown", "false");
                    long want = count.get();
                    spark.conf().set("spark.sql.parquet.filterPushdown", "true");
                    long got = count.get();
                    if (want != got) {
                        wrong.add(filter + ": " + got + " rows, without statistics " + want);
                    }
                }
            }
        }
        return Map.of("asked", asked, "wrong", wrong);
    }
}
